"""Reads the store for summaries; never writes, so it may run beside the gateway."""

import sqlite3
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from suffice.errors import RecordingError
from suffice.recording.schema import SCHEMA_VERSION, check_version

MAX_CLUSTERS = 2_000
"""Sessions beyond this number are thrown together by their hash, so that a bootstrap over them stays small."""

_ROUTED = "reason NOT IN ('explicit', 'observe', 'canary')"
_ANSWERED = "status BETWEEN 200 AND 299 AND error IS NULL AND NOT cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over all requests."""

    n_requests: int
    n_decided: int
    """For which a tier was chosen; the rest were refused before, or passed through untouched."""
    n_routed: int
    """Where the complexity had a say: neither a tier named by the client, nor a mode that keeps routing off."""
    n_sessions: int
    """Of the decided; a request without a session is one of its own."""
    n_cancelled: int
    cost_usd: float
    always_large_usd: float
    first_at: float | None
    last_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How often something came up, and what it cost."""

    n: int
    cost_usd: float
    always_large_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Sums per session, or per group of sessions, each of shape (clusters,)."""

    n_decided: NDArray[np.float64]
    n_routed: NDArray[np.float64]
    n_escalated: NDArray[np.float64]
    """Of the routed."""
    n_large: NDArray[np.float64]
    """Of the routed, served by the top tier."""
    n_cache_hits: NDArray[np.float64]
    n_cache_lookups: NDArray[np.float64]
    cost_usd: NDArray[np.float64]
    always_large_usd: NDArray[np.float64]


class Store:
    """The records of one file since one moment."""

    def __init__(self, path: Path, *, since: float = 0.0) -> None:
        """Open the file for reading.

        Args:
            path: The SQLite file.
            since: Unix time; older records are left out.

        Raises:
            RecordingError: There is no such file, it is no store of records, or not of this program's version.
        """
        self._since = since
        if not path.is_file():
            raise RecordingError(f"there are no records at {path}; the gateway makes the file when it first runs")
        with _translated(path):
            uri = f"{path.absolute().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, timeout=10.0, isolation_level=None)
        try:
            with _translated(path):
                _refuse_old(check_version(self._connection, path), path)
                # All figures are of one moment, however much is written meanwhile.
                self._connection.execute("BEGIN")
        except RecordingError:
            self._connection.close()
            raise
        self._path = path

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def totals(self) -> Totals:
        """Sums over all requests."""
        row = self._rows(
            f"SELECT count(*), count(reason), coalesce(sum({_ROUTED}), 0),"  # noqa: S608 - own names
            " count(DISTINCT CASE WHEN reason IS NOT NULL THEN coalesce(session, id) END),"
            " coalesce(sum(cancelled), 0), total(cost_usd), total(always_large_usd), min(received_at), max(received_at)"
            " FROM requests WHERE received_at >= ?"
        )[0]
        return Totals(
            n_requests=row[0],
            n_decided=row[1],
            n_routed=row[2],
            n_sessions=row[3],
            n_cancelled=row[4],
            cost_usd=row[5],
            always_large_usd=row[6],
            first_at=row[7],
            last_at=row[8],
        )

    def uses_of(self, column: Literal["tier", "reason", "proposed_tier"]) -> dict[str, Use]:
        """Requests by the value of a column, the most frequent first; NULL is left out."""
        rows = self._rows(
            f"SELECT {column}, count(*), total(cost_usd), total(always_large_usd) FROM requests"  # noqa: S608 - own names
            f" WHERE received_at >= ? AND reason IS NOT NULL AND {column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return {row[0]: Use(n=row[1], cost_usd=row[2], always_large_usd=row[3]) for row in rows}

    def errors(self) -> dict[str, int]:
        """Requests that ended in an error, by its code, the most frequent first."""
        return dict(
            self._rows(
                "SELECT error, count(*) FROM requests WHERE received_at >= ? AND error IS NOT NULL"
                " GROUP BY 1 ORDER BY 2 DESC, 1"
            )
        )

    def n_dropped(self) -> int:
        """Requests known to have gone unrecorded."""
        return int(self._rows("SELECT coalesce(sum(n), 0) FROM drops WHERE at >= ?")[0][0])

    def times(self, tier: str) -> NDArray[np.float64]:
        """Seconds to the end and to the first byte of each answer of a tier, shape (n, 2); NaN where unknown."""
        sql = (
            "SELECT duration_s, coalesce(first_byte_s, -1.0) FROM requests"  # noqa: S608 - own names
            f" WHERE received_at >= ? AND tier = ? AND reason IS NOT NULL AND {_ANSWERED}"
        )
        with _translated(self._path):
            cursor = self._connection.execute(sql, (self._since, tier))
            times = np.fromiter((time_s for row in cursor for time_s in row), dtype=np.float64).reshape(-1, 2)
        times[times < 0.0] = np.nan
        return times

    def clusters(self, n_sessions: int) -> Clusters:
        """Sums per session; per group of sessions where there are more than `MAX_CLUSTERS`."""
        key = "coalesce(session, id)"
        if n_sessions > MAX_CLUSTERS:
            self._connection.create_function("cluster_of", 1, _cluster_of, deterministic=True)
            key = f"cluster_of({key})"
        rows = self._rows(
            f"SELECT count(*), total({_ROUTED}), total(escalated AND {_ROUTED}), total(tier = top_tier AND {_ROUTED}),"  # noqa: S608 - own names
            " total(cache = 'hit'), total(cache <> 'off'), total(cost_usd), total(always_large_usd)"
            f" FROM requests WHERE received_at >= ? AND reason IS NOT NULL GROUP BY {key}"
        )
        names = [column.name for column in fields(Clusters)]
        sums = np.array(rows, dtype=np.float64).reshape(-1, len(names)).T
        return Clusters(**dict(zip(names, sums, strict=True)))

    def _rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        with _translated(self._path):
            return self._connection.execute(sql, (self._since,)).fetchall()


def _refuse_old(version: int, path: Path) -> None:
    if version < SCHEMA_VERSION:
        raise RecordingError(
            f"{path} has schema version {version}, not {SCHEMA_VERSION}; start the gateway on it once to update it"
        )


def _cluster_of(session: str) -> int:
    return zlib.crc32(session.encode()) % MAX_CLUSTERS


@contextmanager
def _translated(path: Path) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise RecordingError(f"the records in {path} cannot be read: {error}") from error
