"""A machine that gives the gateway no disk, no files or no time: requests are served, records wait or are counted."""

import resource
import sqlite3
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest
from chaos_case import Case, Form, parametrize
from chaos_clients import ask, begin_stream, connect, read
from chaos_play import be_well, play
from chaos_results import SAID, Answer, Recorded, Seen, Told
from chaos_scene import PATIENCE_S, Scene, run_scene

from suffice.testing import RECORDS, wait_until

TITLE = "The machine fails the gateway"
_PLAIN, _STREAMED = (Form.PLAIN,), (Form.STREAMED,)
_QUEUE_SIZE = 10
_SECTIONS = {"recording": {"queue_size": _QUEUE_SIZE}}


@contextmanager
def _limited(scene: Scene, kind: int, limit: int) -> Generator[None]:
    """Lower a limit of the gateway's process for a while."""
    pid = scene.gateway.process.pid
    before = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, kind, before)


def _with_full_disk(n_requests: int) -> Callable[[Scene, Form], Seen]:
    """No file may grow any more, as on a full disk."""

    def act(scene: Scene, form: Form) -> Seen:
        n_before = scene.metrics().total("suffice_recorder_failures_total")
        with _limited(scene, resource.RLIMIT_FSIZE, 1):
            for _ in range(n_requests):
                Answer("small").check(ask()(scene, form))
            wait_until(lambda: scene.metrics().total("suffice_recorder_failures_total") > n_before)
        return Seen(status=200, whole=True)

    return act


def _delete_the_records(scene: Scene, form: Form) -> Seen:
    for file in scene.folder.glob(f"{RECORDS}*"):
        file.unlink()
    return ask()(scene, form)


def _lock_the_records(scene: Scene, form: Form) -> Seen:
    with closing(sqlite3.connect(scene.folder / RECORDS, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        seen = ask()(scene, form)
        time.sleep(0.3)
        assert scene.metrics().total("suffice_recorder_queue_records") == 1
        other.execute("ROLLBACK")
    return seen


def _run_out_of_files(scene: Scene, _: Form) -> Seen:
    """A stream is under way while the gateway can take no more connections."""
    asking = begin_stream(scene)
    held = scene.footprint()
    with _limited(scene, resource.RLIMIT_NOFILE, held.n_files + held.n_sockets + 3), ExitStack() as stack:
        clients = [stack.enter_context(connect(scene)) for _ in range(20)]
        clients[-1].sendall(b"GET /health HTTP/1.1\r\nhost: gateway\r\n\r\n")
        seen = asking.finished()
        assert not read(clients[-1]).whole, "a connection was taken after all"
    return seen


def _pause_the_gateway(scene: Scene, _: Form) -> Seen:
    asking = begin_stream(scene)
    scene.pause(scene.gateway)
    time.sleep(PATIENCE_S / 2)
    scene.resume(scene.gateway)
    return asking.finished()


def _kill_the_gateway(scene: Scene, form: Form) -> Seen:
    for _ in range(5):
        Answer("small").check(ask()(scene, form))
    scene.settle()
    asking = begin_stream(scene)
    scene.gateway.kill()
    seen = asking.finished()
    assert SAID.startswith(seen.text)
    assert not seen.whole
    wait_until(lambda: scene.n_active() == 0)
    scene.start_gateway_again()
    return Seen(whole=True)


CASES = (
    Case(
        name="The disk is full for a while",
        act=_with_full_disk(5),
        client=Told("the answer of `small`"),
        n_records=5,
        forms=_PLAIN,
        note="the records wait and are written once there is room",
    ),
    Case(
        name=f"The disk is full for {2 * _QUEUE_SIZE} requests, where only {_QUEUE_SIZE} records may wait",
        act=_with_full_disk(2 * _QUEUE_SIZE),
        client=Told("the answer of `small`"),
        n_records=_QUEUE_SIZE,
        metrics={"suffice_recorder_dropped_total": _QUEUE_SIZE},
        forms=_PLAIN,
        note="every record is written or counted as lost, also in the table `drops`",
    ),
    Case(
        name="The file of records is deleted",
        act=_delete_the_records,
        client=Answer("small"),
        forms=_PLAIN,
        note="it is made anew",
    ),
    Case(
        name="Another process has locked the file of records",
        act=_lock_the_records,
        client=Answer("small"),
        forms=_PLAIN,
        note="the record waits",
    ),
    Case(
        name="No file descriptor is left in mid-stream",
        act=_run_out_of_files,
        client=Answer("small"),
        forms=_STREAMED,
        note="new connections are not served until there are some again",
    ),
    Case(
        name="The gateway is paused in mid-stream",
        act=_pause_the_gateway,
        client=Answer("small"),
        forms=_STREAMED,
    ),
    Case(
        name="SIGKILL for the gateway itself in mid-stream",
        act=_kill_the_gateway,
        client=Told("the stream so far, then the end of its connection", Recorded(200)),
        n_records=5,
        restarts=True,
        forms=_STREAMED,
        note="the upstream call ends; the five records before are there; another gateway goes on with the file",
    ),
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    with run_scene(tmp_path_factory.mktemp("machine_faults"), sections=_SECTIONS) as started:
        be_well(started)
        yield started


@parametrize(CASES)
def test_it_ends_as_the_table_says(case: Case, form: Form, scene: Scene) -> None:
    play(case, form, scene)


@contextmanager
def _small_disk(folder: Path) -> Generator[Path]:
    """A file system of one megabyte."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a file system of its own can be mounted by root alone")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_disk_without_a_free_byte_costs_records_and_no_request(tmp_path: Path) -> None:
    with _small_disk(tmp_path) as disk:
        sections = {"recording": {"path": str(disk / RECORDS), "queue_size": 5}}
        with run_scene(tmp_path, sections=sections) as scene:
            filler = _fill(disk)
            seen = [ask()(scene, Form.PLAIN) for _ in range(50)]
            filler.unlink()
            scene.settle()
            metrics = scene.metrics()
            with closing(sqlite3.connect(disk / RECORDS)) as store:
                n_records = store.execute("SELECT count(*) FROM requests").fetchone()[0]
                n_noted = store.execute("SELECT coalesce(sum(n), 0) FROM drops").fetchone()[0]

    for one in seen:
        Answer("small").check(one)
    assert metrics.total("suffice_recorder_dropped_total") == n_noted > 0
    assert n_records + n_noted == 50


def _fill(disk: Path) -> Path:
    """A file that leaves no room for another byte."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return filler
