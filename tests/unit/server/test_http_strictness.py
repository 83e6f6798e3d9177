"""What the server takes for HTTP, and how it frames what it answers, over real loopback sockets."""

import pytest
from raw_clients import HOST, Wire, error_of, served, status_of

from suffice.server.config import ServerConfig


def test_an_ordinary_request_is_served(wire: Wire) -> None:
    answer, seen = wire.exchange(b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nConnection: close\r\n\r\nhi")

    assert status_of(answer) == 200
    assert (seen.paths, seen.bodies) == (["/x"], [b"hi"])


def test_a_chunked_body_is_read(wire: Wire) -> None:
    head = b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

    answer, seen = wire.exchange(head, b"2\r\nhi\r\n", b"0\r\n\r\n")

    assert status_of(answer) == 200
    assert seen.bodies == [b"hi"]


@pytest.mark.parametrize(
    "head",
    [
        b"not http at all\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /x HTTP/1.1\r\n\r\n",
        b"GET /x HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
        b"GET http://elsewhere/x HTTP/1.1\r\n" + HOST + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /x HTTP/2.0\r\n" + HOST + b"\r\n",
        b"GET /x HTTP/0.9\r\n" + HOST + b"\r\n",
        b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n\r\nhello",
        b"GET /x HTTP/1.1\r\n" + HOST + b"Bad Header: x\r\n\r\n",
    ],
)
def test_what_servers_read_differently_is_refused_and_the_connection_closed(head: bytes, wire: Wire) -> None:
    answer, seen = wire.exchange(head)

    assert status_of(answer) == 400
    assert error_of(answer)["type"] == "invalid_request_error"
    assert seen.paths == []


@pytest.mark.parametrize(
    "lines",
    [
        b"".join(b"X-%d: y\r\n" % number for number in range(30)),
        b"X-Long: " + b"y" * 5_000 + b"\r\n",
        b"X-Long: " + b"y" * 40_000 + b"\r\n",
    ],
)
def test_too_many_or_too_long_headers_are_refused(lines: bytes, wire: Wire) -> None:
    limits = ServerConfig(max_headers=20, max_header_bytes=4_096)

    answer, seen = wire.exchange(b"GET /x HTTP/1.1\r\n" + HOST + lines + b"\r\n", limits=limits)

    assert status_of(answer) == 431
    assert error_of(answer)["code"] == "headers_too_large"
    assert seen.paths == []


def test_a_flood_of_headers_is_cut_off_even_where_the_refusal_is_lost_in_it(wire: Wire) -> None:
    flood = b"X-Long: " + b"y" * 1_000_000

    answer, seen = wire.exchange(b"GET /x HTTP/1.1\r\n" + HOST + flood, limits=ServerConfig(max_header_bytes=4_096))

    assert answer == b"" or status_of(answer) == 431
    assert seen.paths == []


def test_a_request_line_without_end_is_refused(wire: Wire) -> None:
    answer, _ = wire.exchange(b"GET /" + b"x" * 20_000, limits=ServerConfig(max_header_bytes=4_096))

    assert status_of(answer) == 431


def test_trailers_without_end_are_refused(wire: Wire) -> None:
    head = b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    trailers = b"".join(b"X-%d: y\r\n" % number for number in range(30))

    answer, _ = wire.exchange(head, trailers, limits=ServerConfig(max_headers=20, max_header_bytes=4_096))

    assert status_of(answer) == 431


@pytest.mark.parametrize("n_chunks", [1, 40])
def test_chunk_extensions_that_outweigh_their_chunks_are_refused(n_chunks: int, wire: Wire) -> None:
    head = b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    padded = b"1;" + b"x" * (40_000 // n_chunks) + b"\r\na\r\n"

    answer, seen = wire.exchange(head, padded * n_chunks + b"0\r\n\r\n", limits=ServerConfig(max_header_bytes=4_096))

    assert status_of(answer) == 431
    assert seen.bodies == []


def test_a_large_body_in_chunks_of_one_byte_is_no_padding(wire: Wire) -> None:
    head = b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

    answer, seen = wire.exchange(
        head, b"1\r\na\r\n" * 20_000 + b"0\r\n\r\n", limits=ServerConfig(max_header_bytes=4_096)
    )

    assert status_of(answer) == 200
    assert seen.bodies == [b"a" * 20_000]


def test_headers_that_do_not_come_are_waited_for_only_so_long(wire: Wire) -> None:
    limits = ServerConfig(read_timeout_s=0.05, idle_timeout_s=20.0)

    answer, _ = wire.exchange(b"GET /x HTTP/1.1\r\nHo", limits=limits)

    assert status_of(answer) == 408
    assert error_of(answer)["message"] == "the headers did not arrive within 0.05 s"


def test_a_connection_that_says_nothing_is_closed_without_a_word(wire: Wire) -> None:
    answer, _ = wire.exchange(limits=ServerConfig(idle_timeout_s=0.05))

    assert answer == b""


def test_connections_over_the_limit_are_closed_at_once(wire: Wire) -> None:
    async def run() -> tuple[bytes, bytes]:
        async with served(ServerConfig(max_connections=1)) as scene:
            first = await scene.connect(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n")
            served_head = await first.head()
            second = await scene.connect(b"GET /b HTTP/1.1\r\n" + HOST + b"\r\n")
            return served_head, await second.rest()

    first, second = wire.run(run())

    assert status_of(first) == 200
    assert second == b""


def test_an_upgrade_is_served_as_an_ordinary_request_and_the_connection_closed(wire: Wire) -> None:
    upgrade = b"GET /x HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

    answer, seen = wire.exchange(upgrade + b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n")

    assert answer.count(b"HTTP/1.1 ") == 1
    assert "/hidden" not in seen.paths


def test_data_after_the_last_request_of_a_connection_is_no_second_request(wire: Wire) -> None:
    last = b"GET /a HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"

    _, seen = wire.exchange(last + b"GET /b HTTP/1.1\r\n" + HOST + b"\r\n")

    assert "/b" not in seen.paths


def test_what_comes_on_a_connection_that_is_being_closed_is_not_read(wire: Wire) -> None:
    answer, seen = wire.exchange(b"garbage\r\n\r\n", b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n")

    assert answer.count(b"HTTP/1.1 ") == 1
    assert seen.paths == []


def test_a_body_that_breaks_its_rules_is_refused_to_whoever_reads_it(wire: Wire) -> None:
    head = b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"

    answer, seen = wire.exchange(head, b"2\r\nhi\r\n", b"no chunk\r\n", n_rounds=5)

    assert (status_of(answer), answer.count(b"HTTP/1.1 ")) == (400, 1)
    assert error_of(answer)["code"] == "invalid_http"
    assert seen.bodies == []


def test_a_body_is_asked_for_when_it_is_wanted(wire: Wire) -> None:
    head = b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nExpect: 100-continue\r\n"

    async def run() -> tuple[bytes, bytes]:
        async with served() as scene:
            client = await scene.connect(head + b"Connection: close\r\n\r\n")
            interim = await client.head()
            await client.send(b"hi")
            return interim, await client.rest()

    interim, answer = wire.run(run())

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert status_of(answer) == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /refused HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n", 401),
        (b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 99999\r\nExpect: 100-continue\r\n\r\n", 413),
        (
            b"POST /x HTTP/1.1\r\n"
            + HOST
            + b"Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nhi",
            200,
        ),
        (b"POST /x HTTP/1.0\r\n" + HOST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\nhi", 200),
    ],
    ids=["refused", "too large", "sent at once", "HTTP/1.0"],
)
def test_a_body_that_is_not_wanted_or_is_there_already_is_not_asked_for(head: bytes, status: int, wire: Wire) -> None:
    answer, _ = wire.exchange(head)

    assert status_of(answer) == status
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_head_that_began_while_another_request_was_answered_has_a_deadline_too(wire: Wire) -> None:
    limits = ServerConfig(read_timeout_s=0.05, idle_timeout_s=20.0)

    answer, _ = wire.exchange(b"GET /x HTTP/1.1\r\n" + HOST + b"\r\nGET /y HT", limits=limits)

    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"408"]


def test_an_idle_connection_is_closed_without_a_word_after_its_answer(wire: Wire) -> None:
    answer, _ = wire.exchange(b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n", limits=ServerConfig(idle_timeout_s=0.05))

    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"last")


def test_an_old_client_is_told_when_its_connection_is_kept(wire: Wire) -> None:
    kept = b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"

    answer, _ = wire.exchange(kept + b"GET /x HTTP/1.0\r\n\r\n")

    first, second = answer.split(b"HTTP/1.1 ")[1:]
    assert b"connection: keep-alive\r\n" in first
    assert b"connection: close\r\n" in second


def test_an_old_client_gets_a_stream_without_chunks_that_ends_with_its_connection(wire: Wire) -> None:
    async def run() -> bytes:
        async with served() as scene:
            scene.seen.hold.set()
            client = await scene.connect(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            return await client.rest()

    head, _, body = wire.run(run()).partition(b"\r\n\r\n")

    assert body == b"first last"
    assert b"connection: close" in head
    assert b"transfer-encoding" not in head


@pytest.mark.parametrize(("method", "path"), [(b"HEAD", b"/x"), (b"GET", b"/nothing")])
def test_an_answer_without_a_body_is_followed_by_the_next_one(method: bytes, path: bytes, wire: Wire) -> None:
    last = b"GET /x HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"

    answer, _ = wire.exchange(method + b" " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n" + last)

    first, second = answer.split(b"HTTP/1.1 ")[1:]
    assert first.endswith(b"\r\n\r\n")
    assert (b"content-length: 4" in first) is (method == b"HEAD")
    assert second.endswith(b"last")
