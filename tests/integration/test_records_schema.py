import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from suffice.errors import RecordingError
from suffice.recording.schema import SCHEMA_VERSION, migrate, open_database

OPEN_AND_REPORT = """
import sys
from pathlib import Path
from suffice.recording.schema import open_database
sys.stdin.readline()
connection = open_database(Path(sys.argv[1]), busy_s=60.0)
print(connection.execute("PRAGMA user_version").fetchone()[0])
"""


def test_a_new_file_has_the_newest_version_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "records.sqlite"

    with closing(open_database(path, busy_s=1.0)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]

    assert (version, journal) == (SCHEMA_VERSION, "wal")
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_an_old_file_is_migrated_step_by_step_and_keeps_its_rows(tmp_path: Path) -> None:
    first = ("CREATE TABLE notes (text TEXT)",)
    second = ("ALTER TABLE notes ADD COLUMN at REAL", "CREATE INDEX notes_by_time ON notes (at)")
    with closing(sqlite3.connect(tmp_path / "notes.sqlite", isolation_level=None)) as connection:
        migrate(connection, migrations=(first,))
        connection.execute("INSERT INTO notes VALUES ('kept')")

        migrate(connection, migrations=(first, second))

        assert connection.execute("SELECT text, at FROM notes").fetchall() == [("kept", None)]
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 2


def test_a_migration_that_fails_leaves_the_file_at_the_version_before(tmp_path: Path) -> None:
    first = ("CREATE TABLE notes (text TEXT)",)
    broken = ("CREATE TABLE half (x)", "NO SUCH STATEMENT")
    with closing(sqlite3.connect(tmp_path / "notes.sqlite", isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, migrations=(first, broken))

        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
        assert tables == ["notes"]
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 1


def test_a_file_newer_than_the_program_is_refused_with_both_versions(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    with closing(open_database(path, busy_s=1.0)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 7}")

    with pytest.raises(RecordingError, match=f"version {SCHEMA_VERSION + 7}, .* up to {SCHEMA_VERSION}; upgrade"):
        open_database(path, busy_s=1.0)


def test_another_program_s_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bookmarks.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()

    with pytest.raises(RecordingError, match="another program's database"):
        open_database(path, busy_s=1.0)

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but longer than the hundred bytes of a header" * 4)

    with pytest.raises(RecordingError, match="not a database"):
        open_database(path, busy_s=1.0)


def test_a_folder_in_the_file_s_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="records cannot be kept in"):
        open_database(tmp_path, busy_s=1.0)


def test_processes_that_open_a_new_file_at_once_all_succeed(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    command = [sys.executable, "-c", OPEN_AND_REPORT, os.fspath(path)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]

    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    ends = [child.communicate(timeout=90) for child in children]

    assert [(out, err) for out, err in ends] == [(f"{SCHEMA_VERSION}\n", "")] * 4
