"""Logs written for tests, and what they were read into."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suffice.lab.dataset import FileReport, Query
from suffice.lab.dataset.sources import READERS, Collection, ImportOptions, LogFormat, collect


def write_lines(path: Path, *rows: Any) -> Path:
    """Entries as JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_json(path: Path, document: Any) -> Path:
    """One JSON document over many lines."""
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


def write_text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def read_log(log_format: LogFormat, *paths: Path, options: ImportOptions | None = None) -> Collection:
    """What a log comes to."""
    return collect(READERS[log_format](paths, options or ImportOptions()))


def only_report(collection: Collection) -> FileReport:
    """The report of the only file."""
    (report,) = collection.reports.values()
    return report


def conversations(queries: Sequence[Query]) -> list[list[tuple[str, Any]]]:
    """Roles and contents of every query."""
    return [[(message["role"], message["content"]) for message in query.conversation] for query in queries]


def queries_of(collection: Collection) -> list[Query]:
    return list(collection.queries.values())
