"""SIGTERM: what is running comes to its end, nothing new begins, and nothing is lost."""

import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from fleets import Fleet, run_fleet
from streaming_clients import connect, read_until, request_bytes

from suffice.testing import RECORDS, stats, wait_until


def terminate(fleet: Fleet) -> None:
    fleet.gateway.process.send_signal(signal.SIGTERM)


def n_active(fleet: Fleet) -> int:
    return stats(fleet.small[0].address)["active"]


def is_refused(fleet: Fleet) -> bool:
    """A new request is turned away: no connection, a closed one, or a 503."""
    try:
        with connect(fleet.gateway, request_bytes("after the end")) as late:
            answer = late.recv(65536)
    except (ConnectionRefusedError, ConnectionResetError, BrokenPipeError):
        return True
    return answer == b"" or answer.startswith(b"HTTP/1.1 503")


def test_a_running_stream_comes_to_its_end_and_nothing_new_begins(tmp_path: Path) -> None:
    with (
        run_fleet(tmp_path) as fleet,
        connect(fleet.gateway, request_bytes("!words 30\n!slow 0.05", stream=True)) as client,
    ):
        begun = read_until(client, b"data: ")

        terminate(fleet)
        wait_until(lambda: is_refused(fleet))
        received = begun if b"[DONE]" in begun else begun + read_until(client, b"[DONE]")

        assert b'"finish_reason":"stop"' in received
        assert fleet.gateway.process.wait(5) == 0
        assert stats(fleet.small[0].address)["requests"] == 1


def test_a_running_plain_answer_comes_to_its_end(tmp_path: Path) -> None:
    patient = {"upstream": {"first_byte_timeout_s": 10.0}}
    with run_fleet(tmp_path, sections=patient) as fleet, connect(fleet.gateway, request_bytes("!sleep 0.7")) as client:
        wait_until(lambda: n_active(fleet) == 1)

        terminate(fleet)
        answer = read_until(client, b'"usage"')

        assert answer.startswith(b"HTTP/1.1 200")
        assert fleet.gateway.process.wait(5) == 0


def test_an_idle_connection_does_not_hold_the_gateway(tmp_path: Path) -> None:
    with run_fleet(tmp_path) as fleet, socket.create_connection(("127.0.0.1", fleet.gateway.port)):
        terminate(fleet)

        assert fleet.gateway.process.wait(3) == 0


def test_a_request_on_an_old_connection_is_turned_away(tmp_path: Path) -> None:
    with (
        run_fleet(tmp_path) as fleet,
        connect(fleet.gateway, request_bytes("!words 20\n!slow 0.05", stream=True)) as busy,
        connect(fleet.gateway, request_bytes("one")) as kept,
    ):
        read_until(busy, b"data: ")
        read_until(kept, b'"usage"')

        terminate(fleet)
        wait_until(lambda: is_refused(fleet))
        try:
            kept.sendall(request_bytes("two"))
            answer = kept.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            answer = b""

        assert answer == b"" or answer.startswith(b"HTTP/1.1 503")
        assert stats(fleet.small[0].address)["requests"] == 2


@pytest.mark.parametrize("order", ["!stall 3", "!hang"], ids=["in mid-stream", "before the first byte"])
def test_what_does_not_end_in_time_is_broken_off(order: str, tmp_path: Path) -> None:
    patient = {
        "server": {"shutdown_timeout_s": 0.5},
        "upstream": {"first_byte_timeout_s": 60.0, "idle_timeout_s": 60.0},
    }
    with (
        run_fleet(tmp_path, sections=patient) as fleet,
        connect(fleet.gateway, request_bytes(order, stream=True)) as client,
    ):
        wait_until(lambda: n_active(fleet) == 1)

        terminate(fleet)
        fleet.gateway.process.wait(4)
        received = b"".join(iter(lambda: client.recv(65536), b""))

        assert b"[DONE]" not in received
        wait_until(lambda: n_active(fleet) == 0)


def test_every_request_is_recorded_before_the_gateway_is_gone(tmp_path: Path) -> None:
    with run_fleet(tmp_path) as fleet:
        for index in range(50):
            fleet.ask(f"request {index}")

        terminate(fleet)
        code = fleet.gateway.process.wait(5)

        with closing(sqlite3.connect(fleet.folder / RECORDS)) as store:
            n_records = store.execute("SELECT count(*) FROM requests").fetchone()[0]
    assert (code, n_records) == (0, 50)
