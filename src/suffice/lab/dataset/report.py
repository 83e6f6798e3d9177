"""What became of the rows of a file: how many, which could not be used, and why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from suffice.errors import DatasetError

MAX_KEPT = 20
"""Bad rows kept of one file; all are counted."""

_MAX_VALUE = 60
_MAX_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that cannot be used."""

    source: str
    """The file's name."""
    where: str
    """Place within the file: `line 17`, `row 17`, `span 4af1`."""
    reason: str
    field: str | None = None
    """Column or path within the row; None where the row as a whole is meant."""
    value: object = None

    def __str__(self) -> str:
        """One line for a terminal."""
        what = "" if self.field is None else f"{self.field} = {shorten(self.value)}: "
        return f"{self.source}, {self.where}: {what}{self.reason}"


class RowError(Exception):
    """A row cannot be used; whoever knows the row's place catches this."""

    def __init__(self, reason: str, *, field: str | None = None, value: object = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.value = value

    def at(self, source: str, where: str) -> BadRow:
        """The same with its place."""
        return BadRow(source=source, where=where, reason=self.reason, field=self.field, value=self.value)


@dataclass(slots=True, kw_only=True)
class FileReport:
    """What became of one file's rows."""

    source: str
    """The file's name."""
    n_rows: int = 0
    """Read, good or bad."""
    n_bad: int = 0
    first_bad: list[BadRow] = field(default_factory=list[BadRow])
    """The first of the bad rows, `MAX_KEPT` at most."""
    reasons: Counter[str] = field(default_factory=Counter[str])
    """Bad rows by field and reason."""
    left_out: Counter[str] = field(default_factory=Counter[str])
    """Rows that are well-formed but not wanted, such as calls that are no chat, by reason."""
    unknown_columns: Counter[str] = field(default_factory=Counter[str])
    """Columns that nothing reads, with the number of rows that have them."""

    @property
    def n_good(self) -> int:
        """Rows that were used."""
        return self.n_rows - self.n_bad - self.left_out.total()

    def add_bad(self, row: BadRow) -> None:
        """Count a bad row, and keep it if it is among the first."""
        self.n_bad += 1
        self.reasons[row.reason if row.field is None else f"{row.field}: {row.reason}"] += 1
        if len(self.first_bad) < MAX_KEPT:
            self.first_bad.append(row)

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "source": self.source,
            "rows": self.n_rows,
            "good": self.n_good,
            "bad": self.n_bad,
            "reasons": dict(self.reasons),
            "left_out": dict(self.left_out),
            "first_bad": [
                {"where": row.where, "field": row.field, "value": shorten(row.value), "reason": row.reason}
                for row in self.first_bad
            ],
            "unknown_columns": dict(self.unknown_columns),
        }


def check_rows(reports: Iterable[FileReport]) -> None:
    """See that no row was bad, for whoever does not go on with the rest.

    Raises:
        DatasetError: Some rows are bad; shows the first of them.
    """
    bad = [report for report in reports if report.n_bad]
    if bad:
        shown = [f"\n  {row}" for report in bad for row in report.first_bad[:_MAX_SHOWN]]
        counts = " and ".join(f"{report.n_bad} of {report.n_rows} rows of {report.source}" for report in bad)
        raise DatasetError(f"{counts} cannot be used; mend or remove them:{''.join(shown)}")


def shorten(value: object) -> str:
    """A value as it is shown: its beginning, if it is long."""
    # A slice before the repr: a value may be a whole document.
    text = repr(value[:_MAX_VALUE] if isinstance(value, str | bytes) else value)
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 1]}…"
