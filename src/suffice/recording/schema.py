"""The form of the SQLite file, by numbered versions kept in `PRAGMA user_version`."""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from suffice.errors import RecordingError

APPLICATION_ID = 0x53464643
"""Marks the file as one of ours: `SFFC`."""

_WAL_RETRY_S = 0.01

# Long columns stand last: SQLite reads a row from its start, so that sums over short columns never touch them.
_REQUESTS = """
CREATE TABLE requests (
    id TEXT NOT NULL PRIMARY KEY,
    received_at REAL NOT NULL,
    session TEXT,
    key_id TEXT,
    profile TEXT,
    endpoint TEXT NOT NULL,
    model_asked TEXT NOT NULL,
    mode TEXT NOT NULL,
    streamed INTEGER NOT NULL,
    tier TEXT,
    model TEXT,
    first_tier TEXT,
    top_tier TEXT,
    reason TEXT,
    proposed_tier TEXT,
    proposed_reason TEXT,
    complexity REAL,
    own_complexity REAL,
    cache TEXT NOT NULL,
    n_attempts INTEGER NOT NULL,
    escalated INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    cancelled INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cost_usd REAL NOT NULL,
    always_large_usd REAL NOT NULL,
    routing_s REAL NOT NULL,
    first_byte_s REAL,
    duration_s REAL NOT NULL,
    shadow_probability REAL,
    n_prompt_tokens_estimated INTEGER,
    n_turns INTEGER,
    in_tool_loop INTEGER,
    has_tools INTEGER,
    n_images INTEGER,
    scorer TEXT NOT NULL,
    bundle_id TEXT,
    config_hash TEXT NOT NULL,
    category TEXT,
    label REAL,
    label_source TEXT,
    p_ok TEXT,
    thresholds TEXT,
    skipped TEXT,
    features BLOB,
    prompt TEXT
)
"""

_ATTEMPTS = """
CREATE TABLE attempts (
    request_id TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    role TEXT NOT NULL,
    tier TEXT NOT NULL,
    model TEXT NOT NULL,
    replica TEXT NOT NULL,
    started_s REAL NOT NULL,
    first_token_s REAL,
    duration_s REAL,
    status INTEGER,
    finish_reason TEXT,
    prompt_tokens INTEGER,
    cached_tokens INTEGER,
    completion_tokens INTEGER,
    usage_estimated INTEGER,
    cost_usd REAL NOT NULL,
    accepted INTEGER,
    verdict_reason TEXT,
    confidence REAL,
    error TEXT,
    signals TEXT,
    tokens TEXT,
    answer TEXT,
    PRIMARY KEY (request_id, seq)
)
"""

MIGRATIONS: Sequence[Sequence[str]] = (
    (
        _REQUESTS,
        _ATTEMPTS,
        "CREATE TABLE drops (at REAL NOT NULL, n INTEGER NOT NULL)",
        "CREATE INDEX requests_by_time ON requests (received_at)",
        "CREATE INDEX requests_by_session ON requests (session, received_at) WHERE session IS NOT NULL",
        f"PRAGMA application_id = {APPLICATION_ID}",
    ),
    ("ALTER TABLE requests ADD COLUMN label_comment TEXT",),
)
"""Statements that lift a file from version i to i + 1; entries are only ever added."""

SCHEMA_VERSION = len(MIGRATIONS)


def open_database(path: Path, *, busy_s: float) -> sqlite3.Connection:
    """Open the file for writing, made or brought up to date as needed; safe when several processes do so at once.

    Args:
        path: The file; missing folders are made. A new file is readable by its owner alone.
        busy_s: How long to wait for other processes.

    Returns:
        A connection without implicit transactions that may pass between threads.

    Raises:
        RecordingError: The file cannot be opened, is no database of records, or is newer than this program.
    """
    connection: sqlite3.Connection | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
        check_version(connection, path)
        _use_wal(connection, deadline=time.monotonic() + busy_s)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {64 * 1024 * 1024}")
        migrate(connection)
    except (sqlite3.Error, OSError) as error:
        _close(connection)
        raise RecordingError(f"records cannot be kept in {path}: {error}") from error
    except RecordingError:
        _close(connection)
        raise
    return connection


def check_version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's schema version; 0 for a new one.

    Raises:
        RecordingError: The file is newer than this program, or another program's.
    """
    # One transaction: another process may be making the file this very moment.
    connection.execute("BEGIN")
    try:
        version = _pragma(connection, "user_version")
        is_ours = _pragma(connection, "application_id") == APPLICATION_ID
        is_empty = not connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()[0]
    finally:
        connection.execute("COMMIT")
    if not is_ours and not is_empty:
        raise RecordingError(f"{path} is another program's database; set recording.path to another file")
    if version > SCHEMA_VERSION:
        raise RecordingError(
            f"{path} has schema version {version}, but this suffice knows only up to {SCHEMA_VERSION}; "
            "upgrade suffice, or set recording.path to another file"
        )
    return version


def migrate(connection: sqlite3.Connection, *, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Run the migrations the file lacks, each in a transaction of its own.

    Raises:
        sqlite3.Error: A statement failed; the file stays at the version before it.
    """
    while _pragma(connection, "user_version") < len(migrations):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Read again under the lock: another process may just have done this step.
            version = _pragma(connection, "user_version")
            for statement in migrations[version] if version < len(migrations) else ():
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {min(version + 1, len(migrations))}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _use_wal(connection: sqlite3.Connection, *, deadline: float) -> None:
    """Switch to write-ahead logging; SQLite's own waiting does not cover this switch."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_WAL_RETRY_S)
        else:
            return


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        connection.close()
