"""Writes rows to the SQLite file and deletes old ones; called by one thread at a time."""

import math
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from suffice.errors import RecordingError
from suffice.recording.labels import Label
from suffice.recording.rows import ATTEMPT_COLUMNS, REQUEST_COLUMNS, Row, attempt_rows, request_row
from suffice.recording.schema import open_database
from suffice.vocabulary import Outcome

DAY_S = 86_400.0

_BUSY_S = 1.0
_BUSY_AT_START_S = 10.0
_MAX_VARIABLES = 32_766
_REQUESTS_PER_PRUNE = 1_000

_VALUE_ERRORS = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.NotSupportedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How much is kept."""

    max_days: float
    max_requests: int


class Writer:
    """The store's writing side; survives that its file goes away."""

    def __init__(self, path: Path, retention: Retention, *, clock: Callable[[], float]) -> None:
        """Open the file.

        Args:
            path: The SQLite file.
            retention: What `prune` keeps.
            clock: Unix time, seconds.

        Raises:
            RecordingError: The file cannot be used.
        """
        self._path = path
        self._retention = retention
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._file_id: tuple[int, int] | None = None
        self._open(busy_s=_BUSY_AT_START_S)

    def write(self, outcomes: Sequence[Outcome], *, n_dropped: int = 0) -> None:
        """Write outcomes in one transaction; those already there are left as they are, so a retry does no harm.

        Args:
            outcomes: What to write.
            n_dropped: Outcomes lost since the last write, noted beside them.

        Raises:
            RecordingError: The store is locked, full, broken or gone; later it may work.
            Exception: A value does not fit its column; it never will.
        """
        requests = [request_row(outcome) for outcome in outcomes]
        attempts = [row for outcome in outcomes for row in attempt_rows(outcome)]
        with self._transaction() as connection:
            _insert(connection, "requests", REQUEST_COLUMNS, requests)
            _insert(connection, "attempts", ATTEMPT_COLUMNS, attempts)
            if n_dropped:
                connection.execute("INSERT INTO drops (at, n) VALUES (?, ?)", (self._clock(), n_dropped))

    def label(self, labels: Sequence[Label]) -> list[bool]:
        """Write labels on the rows of their requests, in place of those that stand there.

        Returns:
            Of each label, whether its request is there and came with the right key.

        Raises:
            RecordingError: The store is locked, full, broken or gone; later it may work.
        """
        with self._transaction() as connection:
            return [
                connection.execute(
                    "UPDATE requests SET label = ?, label_source = ?, label_comment = ?"
                    " WHERE id = ? AND (? IS NULL OR key_id = ?)",
                    (label.score, label.source, label.comment, label.request_id, label.of_key, label.of_key),
                ).rowcount
                == 1
                for label in labels
            ]

    def prune(self) -> bool:
        """Delete a small batch of what is beyond retention; returns whether there may be more.

        Raises:
            RecordingError: The store is locked, full, broken or gone; later it may work.
        """
        oldest_kept = self._clock() - self._retention.max_days * DAY_S
        with self._transaction() as connection:
            n_requests = connection.execute("SELECT count(*) FROM requests").fetchone()[0]
            n_old = _delete_oldest(connection, before=oldest_kept, limit=_REQUESTS_PER_PRUNE)
            n_surplus = min(n_requests - n_old - self._retention.max_requests, _REQUESTS_PER_PRUNE - n_old)
            n_more = _delete_oldest(connection, before=math.inf, limit=n_surplus) if n_surplus > 0 else 0
            connection.execute("DELETE FROM drops WHERE at < ?", (oldest_kept,))
        return n_old + n_more == _REQUESTS_PER_PRUNE

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        try:
            connection = self._current()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise
        except OSError as error:
            raise RecordingError(f"{self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            if isinstance(error, _VALUE_ERRORS):
                raise
            raise RecordingError(f"{self._path}: {error}") from error

    def _current(self) -> sqlite3.Connection:
        # SQLite would go on writing into a deleted file without a word.
        if self._connection is None or _identify(self._path) != self._file_id:
            return self._open(busy_s=_BUSY_S)
        return self._connection

    def _open(self, *, busy_s: float) -> sqlite3.Connection:
        self.close()
        self._connection = open_database(self._path, busy_s=busy_s)
        self._connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_S * 1000)}")
        self._file_id = _identify(self._path)
        return self._connection


def _delete_oldest(connection: sqlite3.Connection, *, before: float, limit: int) -> int:
    return connection.execute(
        "DELETE FROM requests WHERE rowid IN"
        " (SELECT rowid FROM requests WHERE received_at < ? ORDER BY received_at LIMIT ?)",
        (before, limit),
    ).rowcount


def _insert(connection: sqlite3.Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows, many to a statement.

    sqlite3 lets go of the interpreter lock for each statement, and a busy event loop gives it back only after 5 ms.
    Row by row that is 200 rows a second; so few statements matter more than short ones.
    """
    start = 0
    size = 1024
    while start < len(rows):
        # Halving keeps the number of different statements, which sqlite3 caches, small.
        while size > len(rows) - start or size * len(columns) > _MAX_VARIABLES:
            size //= 2
        part = rows[start : start + size]
        placeholders = ",".join(["(" + ",".join("?" * len(columns)) + ")"] * size)
        connection.execute(
            f"INSERT OR IGNORE INTO {table} ({','.join(columns)}) VALUES {placeholders}",  # noqa: S608 - own names only
            list(chain.from_iterable(part)),
        )
        start += size


def _roll_back(connection: sqlite3.Connection) -> None:
    # A full disk ends the transaction by itself.
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
