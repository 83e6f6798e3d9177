"""Entries of a log file: JSON Lines, one JSON document, or a table in CSV."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import msgspec

from suffice.errors import DatasetError
from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.rows import PlacedRow, decode_row, read_rows, read_start

_MAX_CELL = 2**31 - 1


def read_documents(path: Path) -> Iterator[PlacedRow]:
    """The objects of a file in any of these forms.

    One JSON document is a list of entries, an object with such a list in `data` (as web interfaces answer), or one
    entry.

    Raises:
        DatasetError: The file is missing, empty, compressed, or one JSON document that is broken.
    """
    start = read_start(path).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith((b"{", b"[")):
        return read_table(path)
    if isinstance(decode_row(start.partition(b"\n")[0]), RowError):
        return _expand(_read_whole(path))
    return _expand(read_rows(path))


def read_table(path: Path) -> Iterator[PlacedRow]:
    """The rows of a CSV file with a header, every value a text; empty cells are left out.

    Raises:
        DatasetError: The file cannot be read, or is no table.
    """
    # Prompts are longer than the 128 KiB that the module allows a cell at first.
    csv.field_size_limit(_MAX_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = list(next(reader, ()))
            end = reader.line_num
            for cells in reader:
                where, end = f"line {end + 1}", reader.line_num
                if len(cells) == len(header):
                    yield PlacedRow(
                        where=where, row={name: cell for name, cell in zip(header, cells, strict=True) if cell}
                    )
                elif cells:
                    yield PlacedRow(where=where, row=RowError(f"has {len(cells)} cells, the header has {len(header)}"))
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read as a table (CSV, UTF-8): {error}") from error


def _read_whole(path: Path) -> Iterator[PlacedRow]:
    try:
        document = msgspec.json.decode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise DatasetError(f"{path} is neither JSON Lines nor one JSON document: {error}") from error
    entries = cast("list[Any]", document) if isinstance(document, list) else [document]
    for number, entry in enumerate(entries, 1):
        row = cast("dict[str, Any]", entry) if isinstance(entry, dict) else RowError("is no object", value=entry)
        yield PlacedRow(where=f"item {number}", row=row)


def _expand(rows: Iterable[PlacedRow]) -> Iterator[PlacedRow]:
    for placed in rows:
        entries = None if isinstance(placed.row, RowError) else placed.row.get("data")
        if not isinstance(entries, list):
            yield placed
            continue
        for number, entry in enumerate(cast("list[Any]", entries), 1):
            row = cast("dict[str, Any]", entry) if isinstance(entry, dict) else RowError("is no object", value=entry)
            yield PlacedRow(where=f"{placed.where}, data[{number - 1}]", row=row)
