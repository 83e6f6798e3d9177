"""The page of the documentation: what is written by hand stays, what lies between two marks is written anew."""

from collections.abc import Iterator
from pathlib import Path

from plane.chart import Bar, Group, picture
from plane.nginx import NAME as NGINX
from plane.results import Results, Spread
from plane.rounds import PLAIN, STREAM

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "benchmarks.md"
CHART = DOCS / "benchmarks.svg"
FIGURES = DOCS / "benchmarks.json"


def replace_between(text: str, name: str, body: str) -> str:
    """The text with what lies between the marks of a name replaced.

    Raises:
        ValueError: The text lacks one of the marks.
    """
    opening, closing = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, opened, rest = text.partition(opening)
    _, closed, after = rest.partition(closing)
    if not (opened and closed):
        raise ValueError(f"the page lacks the marks of {name!r}")
    return f"{before}{opening}\n\n{body.strip()}\n\n{closing}{after}"


def write_section(name: str, body: str) -> None:
    """Replace a section of the page."""
    PAGE.write_text(replace_between(PAGE.read_text(encoding="utf-8"), name, body), encoding="utf-8")


def draw(results: Results) -> str:
    """The picture of a run."""
    groups = [
        Group(title="CPU time of a plain answer, microseconds", bars=list(_bars(results, PLAIN.name))),
        Group(title="CPU time of a stream of 22 events, microseconds", bars=list(_bars(results, STREAM.name))),
    ]
    return picture([group for group in groups if group.bars], label="CPU time per answer of each gateway")


def _bars(results: Results, scenario: str) -> Iterator[Bar]:
    compared = sorted((one for one in results.comparisons if one.scenario == scenario), key=lambda c: c.cpu_us.median)
    if not compared:
        return
    yardstick = Spread.of([one.nginx_cpu_us.median for one in compared]).median
    yield Bar(name=NGINX, value=yardstick, kind="yardstick", label=f"{yardstick:,.0f}")
    for one in compared:
        label = f"{one.cpu_us.median:,.0f} ({one.times_nginx.median:.3g}x)"
        kind = "ours" if one.contestant.startswith("suffice") else "other"
        yield Bar(name=one.contestant, value=one.cpu_us.median, kind=kind, label=label)
