"""The supervisor over processes that only say they serve."""

import asyncio
import logging
import signal
import sqlite3
import sys
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fake_worker
import pytest
from fake_worker import N_RECORDS

from suffice.errors import WorkerError
from suffice.recording.config import RecordingConfig
from suffice.recording.recorder import Recorder
from suffice.server.workers.orders import decode_order
from suffice.server.workers.supervisor import Supervisor
from suffice.testing import wait_until

SCRIPT = str(Path(fake_worker.__file__))


@dataclass
class Scene:
    """A supervisor, and what its workers wrote down."""

    folder: Path
    behaviour: str
    n_workers: int = 2
    stop_timeout_s: float = 20.0
    recorder: Recorder | None = None
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    supervisor: Supervisor = field(init=False)

    def run(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run the supervisor; once all are ready, act."""

        async def run_both() -> None:
            self.supervisor = Supervisor(
                n_workers=self.n_workers,
                start=lambda number, channel: [sys.executable, SCRIPT, self.behaviour, str(number), str(channel)],
                recorder=self.recorder,
                ready=self.is_ready.set,
                stop_timeout_s=self.stop_timeout_s,
                pause_s=0.01,
            )
            running = asyncio.create_task(self.supervisor.run())
            acting = asyncio.create_task(self._act_when_ready(act))
            async with asyncio.timeout(40.0):
                await asyncio.wait([running])
            acting.cancel()
            await asyncio.wait([acting])
            if not acting.cancelled():
                acting.result()
            running.result()

        asyncio.run(run_both())

    async def _act_when_ready(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await self.is_ready.wait()
        await act()

    def notes(self, what: str, number: int) -> list[bytes]:
        """What a worker noted, in order."""
        path = self.folder / f"{what}-{number}"
        return path.read_bytes().splitlines() if path.exists() else []

    async def wait_for(self, what: str, number: int, n: int) -> None:
        """Wait until a worker has noted something so often."""
        await asyncio.to_thread(wait_until, lambda: len(self.notes(what, number)) >= n, timeout_s=20.0)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scene]:
    monkeypatch.chdir(tmp_path)

    def make(behaviour: str, **fields: Any) -> Scene:
        return Scene(tmp_path, behaviour, **fields)

    return make


async def terminate() -> None:
    signal.raise_signal(signal.SIGTERM)


def test_all_are_ready_once_each_says_so_and_end_when_told(scene: Callable[..., Scene]) -> None:
    stage = scene("good", n_workers=3)

    stage.run(terminate)

    assert [len(stage.notes("signalled", number)) for number in range(3)] == [1, 1, 1]


def test_one_that_dies_is_started_again_and_told_of(
    scene: Callable[..., Scene], caplog: pytest.LogCaptureFixture
) -> None:
    stage = scene("dies once")

    async def act() -> None:
        for number in range(2):
            await stage.wait_for("joined", number, 2)
        await terminate()

    stage.run(act)

    assert [len(stage.notes("started", number)) for number in range(2)] == [2, 2]
    assert "worker 0 was ended by signal 9 while it served" in caplog.text


def test_one_that_talks_gibberish_is_ended_and_started_again_and_the_others_live_on(
    scene: Callable[..., Scene], caplog: pytest.LogCaptureFixture
) -> None:
    stage = scene("gibberish")

    async def act() -> None:
        for number in range(2):
            await stage.wait_for("joined", number, 2)
        await terminate()

    stage.run(act)

    assert "hung up on" in caplog.text


@pytest.mark.parametrize("behaviour", ["fails", "one fails"])
def test_where_one_cannot_be_started_at_all_the_others_are_ended_and_the_reason_is_told(
    scene: Callable[..., Scene], behaviour: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage = scene(behaviour)

    with pytest.raises(WorkerError, match=r"worker \d ended with 3 before it listened, 3 times in a row"):
        stage.run(terminate)

    assert not stage.is_ready.is_set()
    assert max(len(stage.notes("started", number)) for number in range(2)) == 3
    assert "its log tells why" in caplog.text


def test_a_command_that_is_not_there_is_no_worker(scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/interpreter")

    with pytest.raises(WorkerError, match="could not be started"):
        scene("good").run(terminate)


def test_a_second_signal_reaches_the_workers_as_a_second_one(scene: Callable[..., Scene]) -> None:
    stage = scene("patient")

    async def act() -> None:
        await terminate()
        for number in range(2):
            await stage.wait_for("signalled", number, 1)
        await terminate()

    stage.run(act)

    assert [len(stage.notes("signalled", number)) for number in range(2)] == [2, 2]


def test_a_third_signal_kills_them(scene: Callable[..., Scene]) -> None:
    stage = scene("stubborn", n_workers=1)

    async def act() -> None:
        for n in (1, 2):
            await terminate()
            await stage.wait_for("signalled", 0, n)
        await terminate()

    stage.run(act)

    assert len(stage.notes("signalled", 0)) == 2


def test_one_that_does_not_end_in_time_is_killed(scene: Callable[..., Scene], caplog: pytest.LogCaptureFixture) -> None:
    stage = scene("stubborn", n_workers=1, stop_timeout_s=0.2)

    stage.run(terminate)

    assert "worker 0 did not end within 0.2 s and is killed" in caplog.text


def test_what_workers_hand_over_when_they_end_is_written(scene: Callable[..., Scene], tmp_path: Path) -> None:
    recorder = Recorder(RecordingConfig(path="r.sqlite"), tmp_path)
    stage = scene("records", recorder=recorder)

    stage.run(terminate)
    is_whole = recorder.close(20.0)

    with closing(sqlite3.connect(tmp_path / "r.sqlite")) as store:
        n_records = store.execute("SELECT count(*) FROM requests").fetchone()[0]
    assert (is_whole, n_records) == (True, 2 * N_RECORDS)


def test_orders_reach_all_in_one_order_and_whoever_comes_later_hears_of_the_last(scene: Callable[..., Scene]) -> None:
    stage = scene("spreads", n_workers=3)

    async def act() -> None:
        (stage.folder / "go").touch()
        await stage.wait_for("answer", 0, 2)
        worker = stage.supervisor._workers[2]  # pyright: ignore[reportPrivateUsage] - to kill it
        worker.process.kill()
        await stage.wait_for("joined", 2, 2)
        await terminate()

    stage.run(act)

    assert stage.notes("answer", 0) == [b"done", b"done"]
    assert stage.notes("obeyed", 0) == [b"observe", b"route"]
    last = stage.notes("joined", 2)[1]
    assert decode_order(last).body == b"route"


def test_a_worker_that_does_not_obey_is_named_to_whoever_spread_the_order(
    scene: Callable[..., Scene], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    stage = scene("refuses")

    async def act() -> None:
        (stage.folder / "go").touch()
        await stage.wait_for("answer", 0, 2)
        await terminate()

    stage.run(act)

    assert stage.notes("answer", 0)[1] == b"not all workers did so, send it again: worker 1: not me"
    assert caplog.records == []
