"""Calls to one server and the connections kept for them, over real loopback sockets."""

import asyncio

import pytest
from client_runs import PLAIN, QUICK, STREAM, body_of, read, run, streamed
from scripted_server import STREAM_HEAD, Said, Script, chunked, plain, until

from suffice.errors import UpstreamBrokenError, UpstreamBusyError, UpstreamError, UpstreamTimeoutError
from suffice.upstream import connection as module
from suffice.upstream.call import Call
from suffice.upstream.client import Client
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.origin import Origin


def test_a_call_is_sent_as_one_request_with_its_length_and_the_servers_name() -> None:
    async def use(client: Client, script: Script) -> tuple[bytes, str]:
        call = Call(path="/embeddings", body=b"[1]", stream=False, headers={"traceparent": "00-1", "host": "evil"})
        await body_of(client, call)
        return script.requests[0], client.origin.authority

    request, authority = run(use, plain())

    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == "POST /v1/embeddings HTTP/1.1"
    assert f"host: {authority}" in headers
    assert [header for header in headers if header.lower().startswith(("host", "content-length", "trace"))] == [
        f"host: {authority}",
        "traceparent: 00-1",
        "content-length: 3",
    ]
    assert body == b"[1]"


@pytest.mark.parametrize(
    "answer",
    [
        plain(b"whole"),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(b"wh", b"ole"),
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nwhole",
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\ncontent-type: text/plain\r\n\r\n" + plain(b"whole"),
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + plain(b"whole"),
    ],
    ids=["length", "chunks", "HTTP/1.0", "early hints", "two interim answers"],
)
def test_an_answer_is_whole_at_its_end_and_the_connection_serves_the_next_call(answer: bytes) -> None:
    async def use(client: Client, script: Script) -> tuple[list[bytes], str, int, int]:
        exchange = await client.send(PLAIN)
        exchange.close()
        bodies = [exchange.body or b"", await body_of(client), await body_of(client)]
        return bodies, exchange.content_type, script.n_connections, client.origin.n_open

    assert run(use, answer) == ([b"whole"] * 3, "application/json", 1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        plain(b"whole", head=b"connection: close\r\n"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nwhole",
        Said(b"HTTP/1.1 200 OK\r\n\r\nwhole", closes=True),
        Said(b"HTTP/1.0 200 OK\r\n\r\nwhole", closes=True),
        plain(b"whole") + plain(b"second"),
        plain(b"whole") + b"HTTP/1.1 200 OK\r\n",
        plain(b"whole") + b"garbage",
    ],
    ids=["close", "HTTP/1.0", "no length", "no length, HTTP/1.0", "a second answer", "half a second answer", "garbage"],
)
def test_a_connection_that_may_not_or_must_not_be_used_again_is_not(answer: bytes | Said) -> None:
    async def use(client: Client, script: Script) -> tuple[list[bytes], int, int]:
        bodies = [await body_of(client), await body_of(client)]
        return bodies, script.n_connections, client.origin.n_open

    assert run(use, answer) == ([b"whole"] * 2, 2, 0)


def test_what_comes_unasked_on_a_kept_connection_is_never_taken_for_the_next_answer() -> None:
    async def use(client: Client, script: Script) -> tuple[list[bytes], int]:
        bodies = [await body_of(client)]
        script.writers[0].write(plain(b"unasked"))
        await script.hung_up.wait()
        bodies.append(await body_of(client))
        return bodies, script.n_connections

    assert run(use, plain(b"one"), plain(b"two")) == ([b"one", b"two"], 2)


def test_a_kept_connection_that_its_server_has_closed_is_replaced() -> None:
    async def use(client: Client, script: Script) -> tuple[list[bytes], int, int]:
        bodies = [await body_of(client)]
        script.writers[0].close()
        await until(lambda: client.origin.n_open == 0)
        bodies.append(await body_of(client))
        return bodies, script.n_connections, client.origin.n_open

    assert run(use, plain(b"one"), plain(b"two")) == ([b"one", b"two"], 2, 1)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Said(closes=True), UpstreamError),
        (Said(waits=asyncio.Event()), UpstreamTimeoutError),
        (Said(b"HTTP/1.1 200 OK\r\n", closes=True), UpstreamBrokenError),
        (Said(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", closes=True), UpstreamBrokenError),
        (Said(b"garbage\r\n\r\n"), UpstreamBrokenError),
    ],
    ids=["no word", "late", "half a head", "half an answer", "garbage"],
)
@pytest.mark.parametrize("is_kept", [False, True])
def test_a_call_that_failed_is_not_repeated_by_the_client(
    answer: Said, error: type[UpstreamError], *, is_kept: bool
) -> None:
    async def use(client: Client, script: Script) -> tuple[int, int]:
        if is_kept:
            await body_of(client)
        with pytest.raises(error) as caught:
            await body_of(client)
        assert type(caught.value) is error
        return len(script.requests), client.origin.n_open

    before = [plain(b"one")] if is_kept else []

    assert run(use, *before, answer, plain(b"two"), config=QUICK) == (1 + is_kept, 0)


def test_an_idle_connection_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_S", 0.01)

    async def use(client: Client, script: Script) -> tuple[int, int]:
        await body_of(client)
        n_kept = client.origin.n_open
        await script.hung_up.wait()
        return n_kept, client.origin.n_open

    assert run(use, plain()) == (1, 0)


def test_connections_that_servers_close_are_not_counted_as_open() -> None:
    async def use(client: Client, script: Script) -> list[int]:
        exchanges = [await client.send(STREAM) for _ in range(4)]
        counts = [client.origin.n_open]
        for exchange in exchanges:
            await read(exchange)
            exchange.close()
        counts.append(client.origin.n_open)
        for writer in script.writers[:3]:
            writer.close()
        await until(lambda: client.origin.n_open == 1)
        await streamed(client)
        return [*counts, script.n_connections]

    assert run(use, STREAM_HEAD + chunked(b"a")) == [4, 4, 4]


def test_connections_over_the_limit_are_not_opened() -> None:
    async def use(client: Client, script: Script) -> tuple[int, bytes, int]:
        one = await client.send(STREAM)
        with pytest.raises(UpstreamBusyError, match="1 connections are open, the limit"):
            await client.send(STREAM)
        n_open = client.origin.n_open
        await read(one)
        one.close()
        return n_open, await streamed(client), script.n_connections

    config = UpstreamConfig(max_connections=1)

    assert run(use, STREAM_HEAD + chunked(b"a"), config=config) == (1, b"a", 1)


def test_leaving_amid_a_call_hangs_up() -> None:
    async def use(client: Client, script: Script) -> int:
        asking = asyncio.create_task(client.send(PLAIN))
        await until(lambda: bool(script.requests))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await script.hung_up.wait()
        return client.origin.n_open

    assert run(use, Said(waits=asyncio.Event())) == 0


@pytest.mark.parametrize("n_turns", range(6))
def test_leaving_while_a_connection_is_made_leaves_none(n_turns: int) -> None:
    async def use(client: Client, _script: Script) -> int:
        asking = asyncio.create_task(client.send(PLAIN))
        for _ in range(n_turns):
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        return client.origin.n_open

    assert run(use, Said(waits=asyncio.Event())) == 0


def test_a_probe_tells_the_status_and_keeps_the_connection() -> None:
    async def use(client: Client, script: Script) -> tuple[list[int], bytes, int]:
        statuses = [await client.probe("/health", 5.0), await client.probe("/health", 5.0)]
        return statuses, script.requests[0].split(b"\r\n")[0], script.n_connections

    statuses, line, n_connections = run(use, plain(), b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")

    assert (statuses, line, n_connections) == ([200, 503], b"GET /health HTTP/1.1", 1)


def test_a_probe_waits_only_so_long() -> None:
    async def use(client: Client, _script: Script) -> int:
        with pytest.raises(UpstreamTimeoutError, match=r"did not answer /health within 0\.05 s"):
            await client.probe("/health", 0.05)
        return client.origin.n_open

    assert run(use, Said(waits=asyncio.Event())) == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", "another protocol"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, "a head over 65536 bytes"),
        (b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n", "what is not HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "what is not HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nhi", "what is not HTTP"),
        (Said(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", closes=True), None),
    ],
    ids=["upgrade", "long head", "folded", "both lengths", "two lengths", "empty"],
)
def test_an_answer_that_is_not_understood_is_broken(answer: bytes | Said, said: str | None) -> None:
    async def use(client: Client, _script: Script) -> bytes:
        return await body_of(client)

    if said is None:
        assert run(use, answer) == b""
        return
    with pytest.raises(UpstreamBrokenError, match=said):
        run(use, answer)


def test_an_answer_without_a_body_is_whole_at_its_head() -> None:
    async def use(client: Client, script: Script) -> int:
        for _ in range(2):
            with pytest.raises(UpstreamBrokenError, match="answered 204, which has no content"):
                await body_of(client)
        return script.n_connections

    assert run(use, b"HTTP/1.1 204 No Content\r\n\r\n") == 1


@pytest.mark.parametrize("host", ["x" * 70, "no-such-host.invalid"])
def test_a_name_that_leads_nowhere_cannot_be_reached(host: str) -> None:
    async def use() -> int:
        origin = Origin(f"http://{host}:1", UpstreamConfig())
        with pytest.raises(UpstreamError, match="cannot be reached"):
            await Client(origin, {}).send(PLAIN)
        return origin.n_open

    assert asyncio.run(use()) == 0


def test_a_server_that_speaks_no_tls_cannot_be_reached_by_https() -> None:
    async def use() -> int:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            origin = Origin(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", UpstreamConfig())
            with pytest.raises(UpstreamError, match="cannot be reached"):
                await Client(origin, {}).send(PLAIN)
            return origin.n_open

    assert asyncio.run(use()) == 0
