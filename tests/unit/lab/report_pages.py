"""What an HTML page is made of."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br"}


@dataclass
class Page:
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list[tuple[str, dict[str, str | None]]])
    texts: list[str] = field(default_factory=list[str])
    unclosed: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def names(self) -> set[str]:
        return {name for name, _ in self.tags}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.page.texts.append(data)


def read_page(markup: str) -> Page:
    """Read a page; fails where a tag is closed that is not open."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    reader.page.unclosed = reader.open
    return reader.page
