"""Pieces of a page; every text that came from outside is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape
from math import isnan

from suffice.lab.intervals import Interval


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, first_kind: str = "") -> str:
    """A table of cells that are markup already; it scrolls where the screen is narrow.

    Args:
        head: Names of the columns.
        rows: Cells.
        first_kind: Class of the first row.
    """
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr class="{first_kind if index == 0 else "other"}">{"".join(f"<td>{cell}</td>" for cell in row)}</tr>'
        for index, row in enumerate(rows)
    )
    return f'<div class="wide"><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>'


def figure_cell(figure: Interval | None, *, percent: bool = False, signed: bool = False) -> str:
    """A figure with its interval below it."""
    if figure is None or isnan(figure.estimate):
        return "&ndash;"
    form = f"{'+' if signed else ''}{'.1%' if percent else '.3f'}"
    told = format(figure.estimate, form)
    if isnan(figure.low):
        return f"{told}<small>no interval</small>"
    return f"{told}<small>{figure.low:{form}} to {figure.high:{form}}</small>"


def paragraph(words: str, *, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f'<p class="{kind}">{escape(words)}</p>' if kind else f"<p>{escape(words)}</p>"


def chart(picture: str, caption: str, legend: str = "") -> str:
    """A picture with what it says."""
    return f"<figure>{picture}{legend}<figcaption>{escape(caption)}</figcaption></figure>"


def legend_of(curves: Sequence[str], *, band: str) -> str:
    """Which line is which."""
    sample = '<svg viewBox="0 0 32 10" aria-hidden="true"><line class="curve {0}" x1="0" y1="5" x2="32" y2="5"/></svg>'
    items = [f"<li>{sample.format(name)}{escape(name)}</li>" for name in curves]
    return f'<ul class="legend">{"".join(items)}<li><span></span>{escape(band)}</li></ul>'
