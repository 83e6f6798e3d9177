"""A client that hangs up ends its upstream call within a second, and leaves nothing behind."""

import asyncio
import signal
import sqlite3
import sys
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from fleets import Fleet, run_fleet
from streaming_clients import Crowd, connect, read_until, request_bytes, run_crowd

from suffice.assembly import open_gateway
from suffice.config import load
from suffice.server.running import listen, run
from suffice.testing import RECORDS, call, stats, wait_until, write_settings

ENDLESS = request_bytes("!stall 5\n!slow 0.4", stream=True)
PATIENT = {"upstream": {"first_byte_timeout_s": 60.0, "idle_timeout_s": 60.0}}


@pytest.fixture(scope="module")
def shared_fleet(tmp_path_factory: pytest.TempPathFactory) -> Generator[Fleet]:
    with run_fleet(tmp_path_factory.mktemp("disconnects"), sections=PATIENT) as started:
        yield started


@pytest.fixture
def fleet(shared_fleet: Fleet) -> Fleet:
    shared_fleet.reset()
    return shared_fleet


def n_active(fleet: Fleet) -> int:
    return stats(fleet.small[0].address)["active"]


def records(fleet: Fleet, what: str) -> int:
    with closing(sqlite3.connect(fleet.folder / RECORDS)) as store:
        return store.execute(f"SELECT count(*) FROM requests WHERE {what}").fetchone()[0]


def test_leaving_a_stream_cancels_its_upstream_call_within_a_second(fleet: Fleet) -> None:
    client = connect(fleet.gateway, request_bytes("!words 1000\n!slow 0.05", stream=True))
    read_until(client, b"data: ")

    client.close()

    assert wait_until(lambda: n_active(fleet) == 0) < 1.0
    assert stats(fleet.small[0].address)["cancelled"] == 1


def test_leaving_a_silent_stream_cancels_its_upstream_call_within_a_second(fleet: Fleet) -> None:
    client = connect(fleet.gateway, request_bytes("!stall 3", stream=True))
    read_until(client, b"data: ")

    client.close()

    assert wait_until(lambda: n_active(fleet) == 0) < 1.0


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_leaving_before_the_first_byte_cancels_the_upstream_call_within_a_second(
    stream: bool,  # noqa: FBT001 - a parameter of the test
    fleet: Fleet,
) -> None:
    client = connect(fleet.gateway, request_bytes("!hang", stream=stream))
    wait_until(lambda: n_active(fleet) == 1)

    client.close()

    assert wait_until(lambda: n_active(fleet) == 0) < 1.0
    assert stats(fleet.small[0].address)["requests"] == 1, "it was tried again for nobody"
    assert stats(fleet.large.address)["requests"] == 0, "it was asked for nobody"


def test_a_request_that_was_left_is_recorded_as_cancelled(fleet: Fleet) -> None:
    ours = "model_asked = 'auto@9.75'"
    client = connect(fleet.gateway, request_bytes("!words 1000\n!slow 0.05", stream=True, model="auto@9.75"))
    read_until(client, b"data: ")

    client.close()

    wait_until(lambda: records(fleet, ours) == 1)
    assert records(fleet, f"{ours} AND cancelled = 1 AND status = 200 AND cost_usd > 0") == 1


def gauge(fleet: Fleet, name: str) -> float:
    lines = call(fleet.gateway.address, "GET", "/metrics").body.decode().splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a gateway holds."""

    rss_mib: float
    n_sockets: int
    n_threads: int


def footprint(fleet: Fleet) -> Footprint:
    process = psutil.Process(fleet.gateway.process.pid)
    return Footprint(process.memory_info().rss / 2**20, len(process.net_connections()), process.num_threads())


def test_no_task_is_left_of_streams_read_to_their_end_or_left(tmp_path: Path, shared_fleet: Fleet) -> None:
    config = write_settings(tmp_path, small=[shared_fleet.small[0].address], large=[shared_fleet.large.address])
    staying = (40, request_bytes("!words 5\n!slow 0.05", stream=True))

    crowd, left = asyncio.run(_serve_crowd(config, staying=staying, leaving=(20, ENDLESS)))

    assert (crowd.n_whole, crowd.n_left) == (40, 20)
    assert left == set()


async def _serve_crowd(
    path: Path, *, staying: tuple[int, bytes], leaving: tuple[int, bytes]
) -> tuple[Crowd, set[asyncio.Task[object]]]:
    """Run a gateway in this very loop, whose tasks can be counted, and see which are left of a crowd's requests."""
    loaded = load(path, {})
    opened = listen(loaded.config.server)
    ready = asyncio.Event()
    async with open_gateway(loaded) as gateway, asyncio.TaskGroup() as group:
        serving = run(gateway.app, loaded.config.server, opened, gateway.turnstile, ready=lambda _: ready.set())
        group.create_task(serving)
        await ready.wait()
        before = asyncio.all_tasks()
        crowd = await run_crowd(opened.getsockname()[1], staying=staying, leaving=leaving)
        left = asyncio.all_tasks() - before
        if left:
            _, left = await asyncio.wait(left, timeout=2.0)
        signal.raise_signal(signal.SIGTERM)
    return crowd, left


@pytest.mark.load
@pytest.mark.timeout(300)
def test_three_rounds_of_a_thousand_streams_with_three_hundred_leaving_leave_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    staying = (700, request_bytes("!words 15\n!slow 0.4", stream=True))
    prints: list[Footprint] = []
    with run_fleet(tmp_path, sections=PATIENT) as fleet:
        for _ in range(3):
            crowd = asyncio.run(run_crowd(fleet.gateway.port, staying=staying, leaving=(300, ENDLESS)))
            assert (crowd.n_whole, crowd.n_left, crowd.n_broken) == (700, 300, 0)
            wait_until(lambda: n_active(fleet) == 0, timeout_s=2.0)
            wait_until(lambda: gauge(fleet, "suffice_requests_in_flight") == 0)
            prints.append(footprint(fleet))
        after = stats(fleet.small[0].address)
        wait_until(lambda: records(fleet, "1") == 3000, timeout_s=10)
        n_cancelled = records(fleet, "cancelled = 1")

    with capsys.disabled():
        for number, found in enumerate(prints, start=1):
            sys.stdout.write(f"\nround {number}: {found.rss_mib:.1f} MiB, {found.n_sockets} sockets ")
    assert (after["requests"], after["streams_open"], after["cancelled"]) == (3000, 0, 900)
    assert n_cancelled == 900
    assert prints[2].rss_mib <= 1.1 * prints[0].rss_mib
    assert prints[2].n_sockets <= prints[0].n_sockets
    assert prints[2].n_threads <= prints[0].n_threads
    assert prints[2].n_sockets <= after["connections_open"] + 2, "sockets of clients that are gone"
