"""Check the links between the project's own Markdown files: the file must be there, and so must the heading.

Usage: check_links.py PATH...
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def find_broken_links(file: Path) -> Iterator[str]:
    """Yield a sentence for each link of a Markdown file that leads nowhere; links to other sites are not followed."""
    text = _CODE.sub("", _FENCE.sub("", file.read_text(encoding="utf-8")))
    for target in _LINK.findall(text):
        if _ELSEWHERE.match(target):
            continue
        name, _, anchor = unquote(target).partition("#")
        other = (file.parent / name) if name else file
        if not other.exists():
            yield f"{file}: {target}: there is no such file"
        elif anchor and other.suffix == ".md" and anchor not in find_anchors(other):
            yield f"{file}: {target}: {other} has no such heading"


def find_anchors(file: Path) -> set[str]:
    """The anchors that a file's headings get, as GitHub and Python-Markdown make them from plain words."""
    text = _FENCE.sub("", file.read_text(encoding="utf-8"))
    return {_anchor(heading) for heading in _HEADING.findall(text)}


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\s-]", "", heading.lower())
    return re.sub(r"\s+", "-", kept.strip())


def main(arguments: Sequence[str]) -> int:
    """Print every broken link; the exit code says whether there was one."""
    roots = [Path(argument) for argument in arguments]
    files = [file for root in roots for file in (sorted(root.rglob("*.md")) if root.is_dir() else [root])]
    broken = [sentence for file in files for sentence in find_broken_links(file)]
    print("\n".join(broken) or f"{len(files)} files: every link leads somewhere")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
