import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suffice.errors import RecordingError
from suffice.recording import Recorder, RecorderCounts
from suffice.recording.config import RecordingConfig
from suffice.recording.schema import SCHEMA_VERSION, open_database
from suffice.recording.writer import DAY_S, Retention, Writer
from suffice.testing import wait_until
from suffice.testing.outcomes import make_outcome

NOW = 1_795_000_000.0
CONFIG = RecordingConfig(path="records.sqlite")

RECORD_AND_WAIT = """
import sys
from pathlib import Path
from suffice.recording import Recorder
from suffice.recording.config import RecordingConfig
from suffice.testing.outcomes import make_outcome
recorder = Recorder(RecordingConfig(path="records.sqlite"), Path(sys.argv[1]))
for n in range(300):
    recorder.observe(make_outcome(n))
print(recorder.flush(60.0), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def recorder(tmp_path: Path) -> Generator[Recorder]:
    recorder = Recorder(CONFIG, tmp_path, clock=lambda: NOW, retry_s=0.02)
    yield recorder
    recorder.close(10.0)


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def count(path: Path, table: str = "requests") -> int:
    return int(query(path, f"SELECT count(*) FROM {table}")[0][0])


def test_a_flushed_outcome_can_be_read_while_the_recorder_runs(recorder: Recorder) -> None:
    recorder.observe(make_outcome(7, escalated=True, session="s"))

    assert recorder.flush(30.0)

    assert query(recorder.path, "SELECT id, session, tier, escalated, status FROM requests") == [
        ("req-00000007", "s", "large", 1, 200)
    ]
    assert query(recorder.path, "SELECT request_id, seq, role, tier FROM attempts ORDER BY seq") == [
        ("req-00000007", 0, "draft", "small"),
        ("req-00000007", 1, "serve", "large"),
    ]


def test_an_outcome_is_written_without_being_asked_for(recorder: Recorder) -> None:
    recorder.observe(make_outcome())

    wait_until(lambda: recorder.counts.written == 1, timeout_s=30.0)

    assert count(recorder.path) == 1


def test_closing_writes_what_is_queued(tmp_path: Path) -> None:
    recorder = Recorder(CONFIG, tmp_path)
    for n in range(1_000):
        recorder.observe(make_outcome(n, escalated=n % 3 == 0))

    assert recorder.close(60.0)

    assert recorder.counts == RecorderCounts(written=1_000)
    assert count(recorder.path) == 1_000
    assert count(recorder.path, "attempts") == 1_334


def test_an_outcome_after_closing_is_dropped_and_counted(tmp_path: Path) -> None:
    recorder = Recorder(CONFIG, tmp_path)
    recorder.close(30.0)

    recorder.observe(make_outcome())

    assert recorder.counts == RecorderCounts(dropped=1)
    assert recorder.close(0.0)


def test_a_second_recorder_finds_what_the_first_wrote(tmp_path: Path) -> None:
    for n in range(2):
        recorder = Recorder(CONFIG, tmp_path)
        recorder.observe(make_outcome(n))
        recorder.close(30.0)

    assert count(tmp_path / "records.sqlite") == 2


def test_a_store_newer_than_the_program_is_refused_at_the_start(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "records.sqlite", busy_s=1.0)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")

    with pytest.raises(RecordingError, match="upgrade suffice"):
        Recorder(CONFIG, tmp_path)


def test_a_value_that_fits_no_column_costs_only_its_own_record(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    odd = make_outcome(1)
    odd.status = 2**70
    for outcome in (make_outcome(0), odd, make_outcome(2)):
        recorder.observe(outcome)

    assert recorder.flush(30.0)

    assert recorder.counts == RecorderCounts(written=2, dropped=1)
    assert query(recorder.path, "SELECT id FROM requests ORDER BY id") == [("req-00000000",), ("req-00000002",)]
    assert "req-00000001" in caplog.text


def test_drops_are_noted_beside_the_records(tmp_path: Path) -> None:
    recorder = Recorder(replace(CONFIG, queue_size=1), tmp_path, clock=lambda: NOW, retry_s=0.02)
    lock = lock_database(recorder.path)
    for n in range(4):
        recorder.observe(make_outcome(n))
    unlock(lock)
    recorder.flush(30.0)

    recorder.close(30.0)

    assert recorder.counts.dropped == 3
    assert query(recorder.path, "SELECT at, sum(n) FROM drops") == [(NOW, 3)]


def test_a_locked_store_is_waited_for_and_logged_once(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "suffice.recording")
    lock = lock_database(recorder.path)
    recorder.observe(make_outcome(0))
    wait_until(lambda: recorder.counts.failed >= 2, timeout_s=30.0)
    while_locked = recorder.counts
    unlock(lock)

    assert recorder.flush(30.0)

    assert (while_locked.written, while_locked.queued, while_locked.dropped) == (0, 1, 0)
    assert (recorder.counts.written, recorder.counts.dropped) == (1, 0)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "locked" in caplog.text


def test_closing_over_a_locked_store_gives_up_in_time_and_counts(tmp_path: Path) -> None:
    recorder = Recorder(CONFIG, tmp_path, retry_s=0.02)
    lock = lock_database(recorder.path)
    recorder.observe(make_outcome(0))
    recorder.observe(make_outcome(1))

    closed = recorder.close(0.05)

    unlock(lock)
    assert not closed
    assert recorder.counts.dropped == 2
    assert recorder.counts.queued == 0


def test_a_full_disk_costs_nothing_once_there_is_room_again(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    limit_pages(recorder, 20)
    outcomes = [make_outcome(n) for n in range(200)]
    for outcome in outcomes:
        outcome.prompt = "x" * 4_000
        recorder.observe(outcome)
    wait_until(lambda: recorder.counts.failed >= 2, timeout_s=30.0)
    limit_pages(recorder, 1_000_000)

    assert recorder.flush(30.0)

    assert (recorder.counts.written, recorder.counts.dropped) == (200, 0)
    assert count(recorder.path) == 200
    assert "full" in caplog.text


def test_a_deleted_store_is_made_again(recorder: Recorder) -> None:
    recorder.observe(make_outcome(0))
    recorder.flush(30.0)
    recorder.path.unlink()
    recorder.observe(make_outcome(1))

    assert recorder.flush(30.0)

    assert query(recorder.path, "SELECT id FROM requests") == [("req-00000001",)]


def test_a_retried_batch_is_not_written_twice(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "records.sqlite", Retention(max_days=1, max_requests=10), clock=lambda: NOW)
    batch = [make_outcome(n, escalated=True) for n in range(3)]

    writer.write(batch)
    writer.write(batch)

    writer.close()
    assert count(tmp_path / "records.sqlite") == 3
    assert count(tmp_path / "records.sqlite", "attempts") == 6


def test_records_beyond_their_days_are_deleted_with_their_attempts(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    writer = Writer(path, Retention(max_days=7, max_requests=10**6), clock=lambda: NOW)
    outcomes = [make_outcome(n) for n in range(2_500)]
    for outcome in outcomes:
        outcome.received_at = NOW - 8 * DAY_S
    outcomes[-1].received_at = NOW - 6 * DAY_S
    writer.write(outcomes)

    more = [writer.prune() for _ in range(4)]

    writer.close()
    assert more == [True, True, False, False]
    assert query(path, "SELECT id FROM requests") == [(outcomes[-1].request_id,)]
    assert count(path, "attempts") == 1


def test_the_oldest_records_beyond_the_number_are_deleted(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    writer = Writer(path, Retention(max_days=1_000, max_requests=3), clock=lambda: NOW)
    writer.write([make_outcome(n) for n in (4, 0, 3, 1, 2)])

    writer.prune()

    writer.close()
    assert query(path, "SELECT id FROM requests ORDER BY id") == [(f"req-{n:08d}",) for n in (2, 3, 4)]


def test_a_running_recorder_prunes_by_itself(tmp_path: Path) -> None:
    writer = Writer(tmp_path / CONFIG.path, Retention(max_days=1, max_requests=10), clock=lambda: NOW)
    old = make_outcome(0)
    old.received_at = NOW - 400 * DAY_S
    writer.write([old])
    writer.close()

    recorder = Recorder(CONFIG, tmp_path, clock=lambda: NOW)
    wait_until(lambda: count(recorder.path) == 0, timeout_s=30.0)

    assert recorder.close(30.0)


def test_a_store_that_is_locked_when_pruning_is_due_is_pruned_later(tmp_path: Path) -> None:
    writer = Writer(tmp_path / CONFIG.path, Retention(max_days=1, max_requests=10), clock=lambda: NOW)
    lock = lock_database(tmp_path / CONFIG.path)

    with pytest.raises(RecordingError, match="locked"):
        writer.prune()

    unlock(lock)
    assert not writer.prune()
    writer.close()


def test_what_was_flushed_survives_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RECORD_AND_WAIT, os.fspath(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        flushed = child.stdout.readline()
        child.kill()
    recorder = Recorder(CONFIG, tmp_path)
    recorder.observe(make_outcome(1_000))

    recorder.close(30.0)

    assert flushed == "True\n"
    assert count(recorder.path) == 301
    assert query(recorder.path, "PRAGMA integrity_check") == [("ok",)]


def lock_database(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30.0)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def unlock(connection: sqlite3.Connection) -> None:
    connection.execute("ROLLBACK")
    connection.close()


def limit_pages(recorder: Recorder, n: int) -> None:
    """Let SQLite itself find the disk full, as its own limit of pages does."""
    connection = recorder._writer._connection  # pyright: ignore[reportPrivateUsage] # a limit holds for its connection only
    assert connection is not None
    connection.execute(f"PRAGMA max_page_count = {n}")
