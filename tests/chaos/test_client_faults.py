"""Clients that leave, read or send too slowly, or come in storms: the upstream is freed and nothing is left of them."""

import socket
import struct
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from chaos_case import Case, Form, Try, parametrize
from chaos_clients import connect, exchange, order, read, read_until, request_bytes
from chaos_play import be_well, play
from chaos_results import Answer, Closed, Left, Recorded, Refusal, Seen, Told
from chaos_scene import Scene, run_scene

from suffice.testing import stats, wait_until

TITLE = "A client misbehaves"
_PLAIN, _STREAMED = (Form.PLAIN,), (Form.STREAMED,)
_IMPATIENT = "impatient"
"""A model's name that stands for `auto` with a total timeout of a second and a half."""
_SECTIONS = {
    "server": {"read_timeout_s": 1.0, "idle_timeout_s": 1.0},
    "upstream": {"first_byte_timeout_s": 10.0, "idle_timeout_s": 10.0},
    "profiles": {_IMPATIENT: {"limits": {"total_timeout_s": 1.5}}},
    "aliases": {_IMPATIENT: {"profile": _IMPATIENT}},
}
_MAX_GROWTH_MIB = 8.0
_GONE_BEFORE = Recorded(None, cancelled=True)
_GONE_IN_MID_STREAM = Recorded(200, cancelled=True)
_N_STORM = 500

Leave = Callable[[socket.socket], None]


def _close(client: socket.socket) -> None:
    client.close()


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def _half_close_and_leave(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)
    client.close()


def _leave_before_the_answer(leave: Leave) -> Callable[[Scene, Form], Seen]:
    def act(scene: Scene, form: Form) -> Seen:
        client = connect(scene)
        client.sendall(request_bytes(order("!hang"), form))
        wait_until(lambda: scene.n_active() == 1)
        leave(client)
        wait_until(lambda: scene.n_active() == 0, timeout_s=2.0)
        return Seen()

    return act


def _leave_in_mid_stream(leave: Leave, *orders: str) -> Callable[[Scene, Form], Seen]:
    def act(scene: Scene, form: Form) -> Seen:
        client = connect(scene)
        client.sendall(request_bytes(order(*orders), form))
        read_until(client, b"data: ")
        leave(client)
        wait_until(lambda: scene.n_active() == 0, timeout_s=2.0)
        return Seen(status=200)

    return act


def _half_close(scene: Scene, form: Form) -> Seen:
    with connect(scene) as client:
        client.sendall(request_bytes(order("!sleep 0.3", "!slow 0.02"), form))
        client.shutdown(socket.SHUT_WR)
        return read(client)


def _send_slowly(n_at_once: int) -> Callable[[Scene, Form], Seen]:
    """Send so many bytes at once and then one after the other, until the gateway has had enough."""

    def act(scene: Scene, form: Form) -> Seen:
        request = request_bytes(order("x" * 1000), form)
        with connect(scene) as client:
            client.sendall(request[:n_at_once])
            client.settimeout(0.1)
            for byte in request[n_at_once:]:
                client.send(bytes([byte]))
                try:
                    client.recv(1, socket.MSG_PEEK)
                    break
                except TimeoutError:
                    continue
            client.settimeout(5.0)
            return read(client)

    return act


def _say_nothing(scene: Scene, _: Form) -> Seen:
    with connect(scene) as client:
        return read(client)


def _leave_in_mid_request(n_sent: int) -> Callable[[Scene, Form], Seen]:
    def act(scene: Scene, form: Form) -> Seen:
        with connect(scene) as client:
            client.sendall(request_bytes(order("x" * 1000), form)[:n_sent])
            wait_until(lambda: scene.footprint().n_from_clients == 1)
        return Seen()

    return act


def _send_no_http(scene: Scene, _: Form) -> Seen:
    return exchange(scene, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")


def _begin_a_flood(scene: Scene, amount: str, *, model: str) -> socket.socket:
    """A stream of many megabytes to a client that takes only a little of it."""
    client = connect(scene, receive_buffer=4096)
    client.sendall(request_bytes(order(amount, says=""), Form.STREAMED, model=model))
    client.recv(1)
    return client


def _stays_paused(scene: Scene) -> bool:
    """The upstream waits, as it does once all buffers on the way are full."""
    for _ in range(5):
        if stats(scene.small[0].address)["paused"] != 1:
            return False
        time.sleep(0.05)
    return True


def _read_byte_by_byte(scene: Scene, _form: Form) -> Seen:
    before = scene.footprint().rss_mib
    with _begin_a_flood(scene, "!words 80000", model=scene.model) as client:
        wait_until(lambda: _stays_paused(scene), timeout_s=10.0)
        time.sleep(1.0)
        assert len(client.recv(1)) == 1
        assert _stays_paused(scene)
        grown = scene.footprint().rss_mib - before
    assert grown < _MAX_GROWTH_MIB, f"{grown:.1f} MiB more"
    return Seen(whole=True)


def _read_nothing(scene: Scene, _: Form) -> Seen:
    with _begin_a_flood(scene, "!huge 7000000", model=_IMPATIENT):
        wait_until(lambda: scene.n_active() == 0)
        wait_until(lambda: scene.footprint().n_from_clients == 0, timeout_s=3.0)
    return Seen(whole=True)


def _storm(leave: Leave, request: bytes = b"") -> Callable[[Scene, Form], Seen]:
    def act(scene: Scene, _form: Form) -> Seen:
        for _ in range(_N_STORM):
            client = connect(scene)
            client.sendall(request)
            leave(client)
        return Seen()

    return act


def _reconnect(scene: Scene, form: Form) -> Seen:
    requests = [request_bytes(order(), form) for _ in range(_N_STORM)]
    with ThreadPoolExecutor(20) as clients:
        seen = list(clients.map(partial(exchange, scene), requests))
    for one in seen:
        Answer("small").check(one)
    return seen[0]


def _leave_all_at_once(scene: Scene, form: Form) -> Seen:
    clients = [connect(scene) for _ in range(100)]
    for client in clients:
        client.sendall(request_bytes(order("!stall 3"), form))
    for client in clients:
        read_until(client, b"data: ")
    for client in clients:
        client.close()
    wait_until(lambda: scene.n_active() == 0, timeout_s=2.0)
    return Seen(status=200)


CASES = (
    Case(
        name="It leaves before the first byte",
        act=_leave_before_the_answer(_close),
        client=Left(_GONE_BEFORE),
        tries=(Try("small", None, None),),
        note="the upstream call is cancelled within a second, and nothing is tried for nobody",
    ),
    Case(
        name="It leaves in mid-stream",
        act=_leave_in_mid_stream(_close, "!slow 0.05"),
        client=Left(_GONE_IN_MID_STREAM),
        forms=_STREAMED,
        note="the upstream call is cancelled within a second",
    ),
    Case(
        name="It leaves a stream that says nothing for the moment",
        act=_leave_in_mid_stream(_close, "!stall 3"),
        client=Left(_GONE_IN_MID_STREAM),
        forms=_STREAMED,
        note="the upstream call is cancelled within a second",
    ),
    Case(
        name="It resets its connection in mid-stream",
        act=_leave_in_mid_stream(_reset, "!stall 3"),
        client=Left(_GONE_IN_MID_STREAM),
        forms=_STREAMED,
    ),
    Case(
        name="It closes its sending side after the request, and waits",
        act=_half_close,
        client=Answer("small"),
        note="`100 Continue` comes before the answer: only so can it be told from one that has left",
    ),
    Case(
        name="It closes its sending side, and then leaves before the first byte",
        act=_leave_before_the_answer(_half_close_and_leave),
        client=Left(_GONE_BEFORE),
        tries=(Try("small", None, None),),
    ),
    Case(
        name="It sends its headers byte by byte",
        act=_send_slowly(10),
        client=Refusal(408, "request_timeout", is_recorded=False),
        forms=_PLAIN,
        note="after `server.read_timeout_s`",
    ),
    Case(
        name="It sends its body byte by byte",
        act=_send_slowly(300),
        client=Refusal(408, "request_timeout", is_recorded=False),
        metrics={"suffice_refusals_total{code=request_timeout}": 1},
        forms=_PLAIN,
        note="after `server.read_timeout_s`",
    ),
    Case(
        name="It connects and says nothing",
        act=_say_nothing,
        client=Closed(),
        forms=_PLAIN,
        note="after `server.idle_timeout_s`",
    ),
    Case(name="It leaves in the middle of its headers", act=_leave_in_mid_request(20), client=Left(), forms=_PLAIN),
    Case(name="It leaves in the middle of its body", act=_leave_in_mid_request(300), client=Left(), forms=_PLAIN),
    Case(
        name="It speaks TLS, or anything else that is no HTTP",
        act=_send_no_http,
        client=Refusal(400, "invalid_http", is_recorded=False),
        forms=_PLAIN,
    ),
    Case(
        name="It reads a stream of 20 MB byte by byte, and leaves",
        act=_read_byte_by_byte,
        client=Told("its bytes, one by one", _GONE_IN_MID_STREAM),
        forms=_STREAMED,
        note=f"the upstream is paused; the gateway grows by less than {_MAX_GROWTH_MIB:g} MiB",
    ),
    Case(
        name="It never reads its stream",
        act=_read_nothing,
        client=Told("a closed connection", Recorded(200, "upstream_timeout")),
        tries=(Try("small", "upstream_timeout"),),
        forms=_STREAMED,
        note="after `server.total_timeout_s` the upstream is freed",
    ),
    Case(
        name=f"{_N_STORM} connections are opened and closed",
        act=_storm(_close),
        client=Left(),
        forms=_PLAIN,
    ),
    Case(
        name=f"{_N_STORM} connections are opened and reset",
        act=_storm(_reset),
        client=Left(),
        forms=_PLAIN,
    ),
    Case(
        name=f"{_N_STORM} requests are sent and their connections reset",
        act=_storm(_reset, request_bytes(order("!sleep 0.5"), Form.STREAMED)),
        client=Left(_GONE_BEFORE),
        tries=None,
        n_records=None,
        n_parallel=_N_STORM,
        forms=_PLAIN,
    ),
    Case(
        name=f"{_N_STORM} requests, each on a new connection, 20 at a time",
        act=_reconnect,
        client=Answer("small"),
        n_records=_N_STORM,
        n_parallel=20,
        forms=_STREAMED,
    ),
    Case(
        name="100 clients leave their streams at the same moment",
        act=_leave_all_at_once,
        client=Left(_GONE_IN_MID_STREAM),
        n_records=100,
        forms=_STREAMED,
    ),
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    with run_scene(tmp_path_factory.mktemp("client_faults"), sections=_SECTIONS) as started:
        be_well(started)
        yield started


@parametrize(CASES)
def test_it_ends_as_the_table_says(case: Case, form: Form, scene: Scene) -> None:
    play(case, form, scene)
