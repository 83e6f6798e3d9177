"""Who is answered in which order, who is held back, and what ends when somebody leaves, over real loopback sockets."""

import asyncio

import pytest
from raw_clients import HOST, LARGE, Wire, error_of, served, status_of

from suffice.server import connection as module
from suffice.server.config import ServerConfig
from suffice.server.http import Request, Responder


def test_requests_on_one_connection_are_served_one_after_the_other(wire: Wire) -> None:
    one, last = b"GET /a HTTP/1.1\r\n" + HOST, b"GET /b HTTP/1.1\r\n" + HOST + b"Connection: close\r\n"

    answer, seen = wire.exchange(one + b"\r\n" + last + b"\r\n")

    assert answer.count(b"HTTP/1.1 200") == 2
    assert seen.paths == ["/a", "/b"]


def test_garbage_while_an_answer_is_being_made_is_refused_after_it(wire: Wire) -> None:
    async def run() -> tuple[bytes, list[str]]:
        async with served() as scene:
            client = await scene.connect(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
            await scene.until(lambda: scene.seen.paths == ["/slow"])
            await client.send(b"garbage\r\n\r\n")
            scene.seen.hold.set()
            return await client.rest(), scene.seen.paths

    answer, paths = wire.run(run())

    first, second = answer.split(b"HTTP/1.1 ")[1:]
    assert (first[:3], first[-4:], second[:3]) == (b"200", b"last", b"400")
    assert error_of(second)["code"] == "invalid_http"
    assert paths == ["/slow"]


def test_garbage_while_a_stream_runs_is_refused_after_its_end_and_never_within(wire: Wire) -> None:
    async def run() -> tuple[bytes, bytes]:
        async with served() as scene:
            client = await scene.connect(b"GET /stream HTTP/1.1\r\n" + HOST + b"\r\n")
            head = await client.head()
            await client.send(b"garbage\r\n\r\n")
            stream = await client.until(b"first \r\n")
            scene.seen.hold.set()
            return head, stream + await client.rest()

    head, rest = wire.run(run())

    stream, mark, refusal = rest.partition(b"0\r\n\r\n")
    assert status_of(head) == 200
    assert (stream, bool(mark)) == (b"6\r\nfirst \r\n4\r\nlast\r\n", True)
    assert status_of(refusal) == 400


def test_a_request_that_breaks_its_rules_is_refused_after_those_before_it(wire: Wire) -> None:
    good = b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n"
    bad = b"POST /b HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nno chunk\r\n"

    answer, seen = wire.exchange(good + good + bad)

    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"400"]
    assert seen.paths == ["/a", "/a"]


def test_requests_sent_ahead_are_answered_in_their_order(wire: Wire) -> None:
    async def run() -> bytes:
        async with served() as scene:
            client = await scene.connect(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
            await scene.until(lambda: scene.seen.paths == ["/slow"])
            for path in (b"/nothing", b"/x", b"/stream"):
                await client.send(b"POST %b HTTP/1.1\r\n%bContent-Length: 3\r\n\r\n" % (path, HOST))
                await client.send(b"abc")
            await client.send(b"GET /y HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
            scene.seen.hold.set()
            return await client.rest()

    answers = wire.run(run()).split(b"HTTP/1.1 ")[1:]

    assert [answer[:3] for answer in answers] == [b"200", b"204", b"200", b"200", b"200"]
    assert answers[3].endswith(b"6\r\nfirst \r\n4\r\nlast\r\n0\r\n\r\n")
    assert b"connection: close" in answers[4]


def test_a_client_far_ahead_is_held_back_and_all_it_sent_is_answered(wire: Wire) -> None:
    n_requests = 400
    one = b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 20000\r\n\r\n" + b"x" * 20_000

    async def run() -> tuple[bytes, int, int]:
        async with served() as scene:
            client = await scene.connect(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
            sending = asyncio.create_task(
                client.send(one * (n_requests - 1) + one.replace(b"Host", b"Connection: close\r\nHost"))
            )
            await scene.until(lambda: scene.seen.paths == ["/slow"])
            await asyncio.sleep(0.05)
            left = client.writer.transport.get_write_buffer_size()
            scene.seen.hold.set()
            answer = await client.rest()
            await sending
            return answer, len(scene.seen.bodies), left

    answer, n_bodies, left = wire.run(run())

    assert left > 1_000_000, "it was read from as fast as it sent"
    assert answer.count(b"HTTP/1.1 200") == n_bodies == n_requests + 1


@pytest.mark.parametrize(
    "ahead", [b"", b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n", b"\r\n"], ids=["", "a request", "a line"]
)
@pytest.mark.parametrize("path", [b"/slow", b"/stream"])
def test_a_client_that_hangs_up_ends_what_runs_for_it_even_with_more_sent_ahead(
    path: bytes, ahead: bytes, wire: Wire
) -> None:
    async def run() -> list[str]:
        async with served() as scene:
            client = await scene.connect(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
            await scene.until(lambda: len(scene.seen.paths) == 1)
            await client.send(ahead)
            await client.close()
            await scene.until(lambda: len(scene.peers) == 0)
            return scene.seen.ended

    assert wire.run(run()) == ["cancelled"]


def test_a_client_that_hangs_up_amid_its_body_ends_the_wait_for_it(wire: Wire) -> None:
    async def run() -> list[str]:
        async with served() as scene:
            client = await scene.connect(b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\nhalf")
            await scene.until(lambda: len(scene.peers) == 1)
            await asyncio.sleep(0.01)
            await client.close()
            await scene.until(lambda: len(scene.peers) == 0)
            return scene.seen.ended

    assert wire.run(run()) == ["cancelled"]


def test_what_is_written_for_a_client_that_is_gone_goes_nowhere(wire: Wire) -> None:
    async def run() -> list[str]:
        async with served() as scene:
            gone = asyncio.Event()

            async def serve(request: Request, respond: Responder) -> None:
                await respond.begin(200, "text/event-stream")
                try:
                    await gone.wait()
                finally:
                    assert respond.outlet.write(b"too late")

            scene.seen.serve = serve  # pyright: ignore[reportAttributeAccessIssue] - of this one scene
            client = await scene.connect(b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n")
            await client.head()
            await client.close()
            await scene.until(lambda: len(scene.peers) == 0)
            return []

    assert wire.run(run()) == []


@pytest.mark.parametrize("path", [b"/refused", b"/x"])
def test_a_client_that_is_refused_amid_its_body_can_read_why(path: bytes, wire: Wire) -> None:
    head = b"POST %b HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % (path, HOST)

    answer, seen = wire.exchange(head, *[b"7530\r\n" + b"x" * 30_000 + b"\r\n"] * 100)

    assert status_of(answer) == (401 if path == b"/refused" else 413)
    assert seen.bodies == []


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 6\r\n\r\nabcdef", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
)
def test_the_rest_of_a_body_that_nobody_wanted_is_read_over(framing: bytes, wire: Wire) -> None:
    refused = b"POST /refused HTTP/1.1\r\n" + HOST + framing

    answer, seen = wire.exchange(
        refused[:-5], refused[-5:] + b"GET /next HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    )

    assert [status_of(answer), answer.count(b"HTTP/1.1 200")] == [401, 1]
    assert seen.paths[-1] == "/next"


def test_a_client_that_goes_on_sending_after_its_refusal_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, wire: Wire
) -> None:
    monkeypatch.setattr(module, "LINGER_S", 0.02)

    async def run() -> bytes:
        async with served() as scene:
            client = await scene.connect(b"garbage\r\n\r\n")
            answer = await client.rest()
            await scene.until(lambda: len(scene.peers) == 0)
            return answer

    assert status_of(wire.run(run())) == 400


def test_a_client_that_never_reads_holds_back_what_is_made_for_it(wire: Wire) -> None:
    async def run() -> tuple[list[str], list[str], int]:
        async with served() as scene:
            client = await scene.connect(b"GET /large HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
            await scene.until(lambda: scene.seen.paths == ["/large"])
            await asyncio.sleep(0.05)
            before = list(scene.seen.ended)
            answer = await client.rest()
            return before, scene.seen.ended, len(answer.partition(b"\r\n\r\n")[2])

    assert wire.run(run()) == ([], ["answered"], len(LARGE))


def test_a_client_that_never_reads_the_end_of_its_last_answer_is_hung_up_on(wire: Wire) -> None:
    async def run() -> list[str]:
        async with served(ServerConfig(idle_timeout_s=0.05)) as scene:
            client = await scene.connect(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n")
            client.stop_reading()
            await scene.until(lambda: scene.seen.paths == ["/large"])
            for peer in list(scene.peers._members):  # pyright: ignore[reportPrivateUsage] - as the server does
                peer.close()
            await scene.until(lambda: len(scene.peers) == 0)
            return scene.seen.ended

    assert wire.run(run()) == ["cancelled"]


@pytest.mark.parametrize("limit", [1_024, 30_000])
def test_a_body_that_nobody_wants_more_of_is_not_kept(limit: int, wire: Wire) -> None:
    async def run() -> tuple[int, int]:
        async with served(ServerConfig(max_body_bytes=limit)) as scene:
            requests: list[Request] = []

            async def serve(request: Request, respond: Responder) -> None:
                requests.append(request)
                await scene.seen.hold.wait()

            scene.seen.serve = serve  # pyright: ignore[reportAttributeAccessIssue] - of this one scene
            await scene.connect(b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 9000000\r\n\r\n" + b"x" * 8_000_000)
            await scene.until(lambda: bool(requests) and requests[0].upload.n_bytes == 8_000_000)
            return requests[0].upload.n_bytes, len(requests[0].upload.joined())

    n_bytes, n_kept = wire.run(run())

    assert n_bytes == 8_000_000
    assert n_kept <= limit


def test_a_fault_that_nobody_answers_for_hangs_up(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    answer, seen = wire.exchange(b"GET /fault HTTP/1.1\r\n" + HOST + b"\r\n")

    assert (answer, seen.paths) == (b"", ["/fault"])
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("path", [b"/slow", b"/stream"])
def test_a_server_that_finishes_lets_what_runs_come_to_its_end_and_takes_nothing_more(path: bytes, wire: Wire) -> None:
    one = b"GET %b HTTP/1.1\r\n%b\r\n" % (path, HOST)

    async def run() -> tuple[bytes, bytes, bytes, list[str]]:
        async with served() as scene:
            idle = await scene.connect(b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n")
            await idle.until(b"last")
            busy = await scene.connect(one + one)
            await scene.until(lambda: len(scene.seen.paths) == 2)
            await busy.send(one)
            ended = asyncio.Event()
            scene.peers.finish(ended.set)
            late = await scene.connect(one)
            rests = [await idle.rest(), await late.rest()]
            assert not ended.is_set()
            scene.seen.hold.set()
            answer = await busy.rest()
            await busy.close()
            await ended.wait()
            return rests[0], rests[1], answer, scene.seen.paths

    idle, late, answer, paths = wire.run(run())

    assert (idle, late) == (b"", b"")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"last" in answer
    assert len(paths) == 2


def test_a_server_that_aborts_hangs_up_on_all_and_cancels_what_runs(wire: Wire) -> None:
    async def run() -> tuple[list[str], bytes]:
        async with served() as scene:
            client = await scene.connect(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
            await scene.until(lambda: scene.seen.paths == ["/slow"])
            scene.peers.abort()
            rest = await client.rest()
            await scene.until(lambda: len(scene.peers) == 0)
            return scene.seen.ended, rest

    assert wire.run(run()) == (["cancelled"], b"")


def test_a_server_with_nobody_connected_is_finished_at_once(wire: Wire) -> None:
    async def run() -> bool:
        async with served() as scene:
            ended = asyncio.Event()
            scene.peers.finish(ended.set)
            return ended.is_set()

    assert wire.run(run())
