"""How commands speak: tables for people, JSON for machines, errors in one form."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from suffice.errors import ConfigError, Mistake, SufficeError

PLAIN_WIDTH = 160
"""Columns where nobody looks on, as in a pipe or a log."""
_MAX_VALUE = 80
_MAX_SECTION = 40


def open_console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, or wide enough for tables where there is none."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False, emoji=False)


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document, indented."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))


def print_error(error: SufficeError) -> None:
    """Print an error to standard error, without a traceback."""
    console = open_console(stderr=True)
    if isinstance(error, ConfigError):
        console.print(mistakes_table(error.mistakes, title=f"{_count(error.mistakes)} in {error.source}", style="red"))
    else:
        console.print(f"error: {escape(_printable(str(error)))}", style="red", soft_wrap=True)


def print_warnings(console: Console, warnings: Sequence[Mistake]) -> None:
    """Print warnings as a table, if there are any."""
    if warnings:
        console.print(mistakes_table(warnings, title="Warnings", style="yellow"))


def mistakes_table(mistakes: Iterable[Mistake], *, title: str, style: str) -> Table:
    """Mistakes or warnings, one to a row."""
    table = Table("where", "line", "value", "what to do", title=escape(title), title_style=style, title_justify="left")
    table.columns[0].overflow = table.columns[2].overflow = "fold"
    for mistake in mistakes:
        line = "" if mistake.line is None else str(mistake.line)
        table.add_row(escape(mistake.path), line, escape(_show(mistake.value)), escape(_printable(mistake.remedy)))
    return table


def mistake_documents(mistakes: Iterable[Mistake]) -> list[dict[str, Any]]:
    """Mistakes for machines."""
    return [{"path": item.path, "line": item.line, "value": item.value, "remedy": item.remedy} for item in mistakes]


def rows_table(rows: Iterable[Sequence[str]], *columns: str, title: str | None = None) -> Table:
    """A table of texts, which are shown as they are."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(escape(_printable(cell)) for cell in row))
    return table


def _show(value: object) -> str:
    text = "" if value is None else repr(value)
    limit = _MAX_SECTION if isinstance(value, list | dict) else _MAX_VALUE
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _count(mistakes: Sequence[Mistake]) -> str:
    return f"{len(mistakes)} mistake{'' if len(mistakes) == 1 else 's'}"


def _printable(text: str) -> str:
    """Text from servers and files, without the characters that move a terminal's cursor."""
    return "".join(
        character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}" for character in text
    )
