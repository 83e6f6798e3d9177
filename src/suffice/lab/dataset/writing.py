"""From queries and outcomes to the two files of a dataset, and the hash that names their content."""

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from suffice.errors import DatasetError
from suffice.lab.dataset import parquet
from suffice.lab.dataset.form import Dataset, Outcome, Query

_COLUMNS: Mapping[type[Query | Outcome], Mapping[str, str]] = {
    Query: {
        "query_id": "string",
        "category": "string",
        "prompt": "string",
        "messages": "string",
        "check": "string",
        "inclusion_probability": "double",
    },
    Outcome: {
        "query_id": "string",
        "model": "string",
        "score": "double",
        "response": "string",
        "logprobs": "tokens",
        "prompt_tokens": "int64",
        "completion_tokens": "int64",
        "cost_usd": "double",
        "label_source": "string",
    },
}


class FileForm(StrEnum):
    """How a dataset's files are written."""

    JSONL = "jsonl"
    PARQUET = "parquet"


def write_dataset(
    folder: Path, queries: Sequence[Query], outcomes: Sequence[Outcome], *, form: FileForm = FileForm.JSONL
) -> tuple[Path, Path]:
    """Write `queries` and `outcomes` into a folder, which is made if need be; each file is whole or not there.

    Returns:
        The two files.

    Raises:
        DatasetError: The folder cannot be written to, or Parquet needs the extra `lab`.
    """
    paths = folder / f"queries.{form.value}", folder / f"outcomes.{form.value}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, rows, kind in ((paths[0], queries, Query), (paths[1], outcomes, Outcome)):
            unfinished = path.with_name(f".{path.name}.{os.getpid()}")
            try:
                _write(unfinished, rows, kind, form)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise DatasetError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return paths


def hash_dataset(dataset: Dataset) -> str:
    """SHA-256, in hexadecimal, of the content; the order of rows and the form of the files play no part."""
    digest = sha256()
    for rows in (dataset.queries, dataset.outcomes):
        # Without null fields: a field that the form gains later must not rename what has none of it.
        known = (
            {name: value for name, value in msgspec.structs.asdict(row).items() if value is not None} for row in rows
        )
        encoded = sorted(msgspec.json.encode(row, order="deterministic") for row in known)
        digest.update(len(encoded).to_bytes(8))
        for row in encoded:
            digest.update(row + b"\n")
    return digest.hexdigest()


def _write(path: Path, rows: Sequence[Query | Outcome], kind: type[Query | Outcome], form: FileForm) -> None:
    columns = _COLUMNS[kind]
    if form is FileForm.JSONL:
        with path.open("wb") as file:
            for row in rows:
                file.write(msgspec.json.encode(_fill(row, columns, drop_none=True)) + b"\n")
    else:
        used = [name for name in columns if any(getattr(row, name) is not None for row in rows)]
        kept = {name: columns[name] for name in columns if name in used or name in {"query_id", "model", "score"}}
        parquet.write(path, kept, [_fill(row, kept, drop_none=False) for row in rows])


def _fill(row: Query | Outcome, columns: Mapping[str, str], *, drop_none: bool) -> dict[str, Any]:
    """A row as plain values; Parquet has no type for messages and checks, so there they are JSON."""
    values: dict[str, Any] = {name: getattr(row, name) for name in columns}
    if drop_none:
        return {name: value for name, value in values.items() if value is not None}
    for name in ("messages", "check"):
        if values.get(name) is not None:
            values[name] = msgspec.json.encode(values[name]).decode()
    return msgspec.to_builtins(values)
