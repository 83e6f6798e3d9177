"""Write the tables of docs/reference/http.md anew from the lists of cases.

Usage: write_http_page.py
"""

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from http_case import Case
from http_cases import THEMES
from upstream_cases import Got, UpstreamCase, upstream_cases

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "http.md"
MARKS = {"clients": "<!-- clients -->", "differences": "<!-- differences -->", "upstreams": "<!-- upstreams -->"}
END = "<!-- end of table -->"


def render(page: str) -> str:
    """The page with the tables as the lists have them now."""
    parts = {"clients": _clients(), "differences": _differences(), "upstreams": _upstreams(upstream_cases())}
    for name, mark in MARKS.items():
        pattern = re.escape(mark) + r"\n.*?" + re.escape(END)
        text = f"{mark}\n\n{parts[name]}\n\n{END}"
        page, n_found = re.subn(pattern, lambda _, text=text: text, page, flags=re.DOTALL)
        if n_found != 1:
            raise ValueError(f"{PAGE.name} has {n_found} places for {mark}")
    return page


def _clients() -> str:
    tables: list[str] = []
    for theme, cases in THEMES.items():
        table = _table(("What a client sends", "What becomes of it"), ((one.name, _outcome(one)) for one in cases))
        tables.append(f"### {theme}\n\n{table}")
    return "\n\n".join(tables)


def _outcome(case: Case) -> str:
    return ("" if case.expected.n_interim == 0 else "100, then ") + str(case.expected)


def _differences() -> str:
    by_reason: dict[str, list[str]] = {}
    for case in (one for cases in THEMES.values() for one in cases if one.differs):
        by_reason.setdefault(case.differs, []).append(case.name)
    return _table(("What h11 does", "Cases"), ((reason, "; ".join(names)) for reason, names in by_reason.items()))


def _upstreams(cases: Sequence[UpstreamCase]) -> str:
    rows = ((one.name, " or ".join(got.value for got in Got if got in one.got), _reuse(one)) for one in cases)
    return _table(("What an upstream sends", "What the client gets", "The connection"), rows)


def _reuse(case: UpstreamCase) -> str:
    return "may be used again" if case.may_reuse else "is dropped"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escape(text: str) -> str:
    return re.sub(r"([\\|*_<>`\[\]])", r"\\\1", text)


def main() -> int:
    """Write the page."""
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
