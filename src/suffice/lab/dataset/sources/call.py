"""A call to a model as some log holds it: what every source is read into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from suffice.lab.dataset.report import RowError


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A conversation, and the answer to it if there was one."""

    messages: tuple[dict[str, Any], ...]
    answer: Mapping[str, Any] | None = None
    """Fields of an outcome, all but `query_id`; None where nothing answered."""
    name: str | None = None
    """The log's own id of the call."""
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that is well-formed, but is no call that can be used."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a log, with its place."""

    source: str
    """The file's name."""
    where: str
    content: Call | Skipped | RowError


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Names of a table's columns."""

    prompt: str = "prompt"
    model: str = "model"
    response: str = "response"
    score: str = "score"
    query_id: str = "query_id"
    category: str = "category"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What a log does not say itself."""

    model: str | None = None
    """Of every call whose entry names none."""
    columns: Columns = field(default_factory=Columns)
