"""Rows of a file in either form, JSON Lines or Parquet, as mappings with their place; nothing is checked here."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec

from suffice.errors import DatasetError
from suffice.lab.dataset import parquet
from suffice.lab.dataset.report import RowError

Row = dict[str, Any]

_GZIP = b"\x1f\x8b"
_START_BYTES = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRow:
    """A row, or why there is none, with its place in the file."""

    where: str
    row: Row | RowError


def read_rows(path: Path) -> Iterator[PlacedRow]:
    """The rows of a file, whose form is known by its first bytes and not by its name.

    Raises:
        DatasetError: The file is missing, unreadable, empty, compressed, or Parquet that cannot be read.
    """
    start = read_start(path)
    return _read_parquet(path) if start.startswith(parquet.MAGIC) else read_lines(path)


def read_start(path: Path) -> bytes:
    """The first bytes of a file, its whole first line at least.

    Raises:
        DatasetError: The file is missing, unreadable, empty or compressed.
    """
    try:
        with path.open("rb") as file:
            line = file.readline()
            start = line + file.read(max(0, _START_BYTES - len(line)))
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    if not start:
        raise DatasetError(f"{path} is empty; it needs one row at least")
    if start.startswith(_GZIP):
        raise DatasetError(f"{path} is compressed; unpack it first (gunzip)")
    return start


def read_lines(path: Path) -> Iterator[PlacedRow]:
    """The rows of a JSON Lines file; blank lines are passed over.

    Raises:
        DatasetError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                text = (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).strip()
                if text:
                    yield PlacedRow(where=f"line {number}", row=decode_row(text))
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error


def decode_row(text: bytes) -> Row | RowError:
    """One JSON object, or what is wrong with it."""
    try:
        row = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        # Python writes NaN and Infinity, which are not JSON: read all the same, to name the field that holds them.
        try:
            row = json.loads(text)
            json.dumps(row, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            return RowError(f"is no JSON object on one line ({error}): {text[:40].decode(errors='replace')}")
    return cast("Row", row) if isinstance(row, dict) else RowError("is JSON, but no object", field="line", value=row)


def _read_parquet(path: Path) -> Iterator[PlacedRow]:
    for number, row in enumerate(parquet.read(path), 1):
        yield PlacedRow(where=f"row {number}", row=row)
