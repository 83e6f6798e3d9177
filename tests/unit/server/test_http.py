import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
from asgi_calls import Wire, make_request, make_responder, make_scope

from suffice.errors import MediaTypeError, RequestError, RequestTimeoutError, RequestTooLargeError
from suffice.server.http import ClientGoneError, Request, header_flag, while_connected


def read_body(
    wire: Wire, *, max_bytes: int = 100, timeout_s: float = 5.0, headers: Mapping[str, str] | None = None
) -> bytes:
    return asyncio.run(make_request(wire, headers=headers).body(max_bytes=max_bytes, timeout_s=timeout_s))


def test_the_head_of_a_request_is_read_as_it_was_sent() -> None:
    scope = make_scope("GET", "/v1/chat%2fcompletions", {"x-name": "gr\xfc\xdfe"})
    scope["headers"] = [*scope["headers"], (b"accept", b"a"), (b"accept", b"b")]

    request = Request.of(scope, Wire().receive)

    assert (request.method, request.path) == ("GET", "/v1/chat%2fcompletions")
    assert request.headers == {"x-name": "gr\xfc\xdfe", "accept": "b"}


@pytest.mark.parametrize("pieces", [[b"abc"], [b"a", b"b", b"c"], [b"", b"abc", b""]])
def test_a_body_is_read_to_its_end(pieces: list[bytes]) -> None:
    assert read_body(Wire(pieces=pieces)) == b"abc"


@pytest.mark.parametrize(
    ("pieces", "headers"),
    [([b"x" * 101], {}), ([b"x" * 60, b"x" * 60], {}), ([b""], {"content-length": "101"})],
)
def test_a_body_over_the_limit_is_refused(pieces: list[bytes], headers: Mapping[str, str]) -> None:
    with pytest.raises(RequestTooLargeError, match="over the limit of 100"):
        read_body(Wire(pieces=pieces), headers=headers)


@pytest.mark.parametrize("length", ["100", "many", "\xb2"])
def test_a_body_within_the_limit_is_read_whatever_its_length_is_said_to_be(length: str) -> None:
    assert read_body(Wire(pieces=[b"x" * 100]), headers={"content-length": length}) == b"x" * 100


def test_a_compressed_body_is_refused() -> None:
    with pytest.raises(MediaTypeError, match="compressed"):
        read_body(Wire(pieces=[b"abc"]), headers={"content-encoding": "gzip"})


def test_a_body_that_does_not_come_is_waited_for_only_so_long() -> None:
    with pytest.raises(RequestTimeoutError, match=r"within 0\.01 s"):
        read_body(Wire(pieces=[b"a"], is_whole=False), timeout_s=0.01)


def test_a_client_that_leaves_amid_its_body_is_gone() -> None:
    with pytest.raises(ClientGoneError):
        read_body(Wire(pieces=[b"a"], is_whole=False, leaves=True))


def test_a_response_in_one_piece_has_its_length() -> None:
    wire = Wire()

    asyncio.run(make_responder(wire).whole(404, b"{}"))

    assert (wire.status, wire.body) == (404, b"{}")
    assert wire.headers == {"x-suffice-request-id": "r1", "content-length": "2", "content-type": "application/json"}


def test_a_stream_is_sent_piece_by_piece_and_not_kept_by_anybody() -> None:
    wire = Wire()
    respond = make_responder(wire)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async def run() -> None:
        await respond.begin(200, "text/event-stream")
        await respond.push(chunks())
        await respond.end(b" three")

    asyncio.run(run())

    assert [message.get("more_body", False) for message in wire.sent[1:]] == [True, True, False]
    assert wire.body == b"one two three"
    assert (wire.headers["cache-control"], wire.headers["x-accel-buffering"]) == ("no-cache", "no")
    assert "content-length" not in wire.headers


def test_a_header_that_http_cannot_carry_is_sent_without_what_it_cannot() -> None:
    wire = Wire()
    respond = make_responder(wire)
    respond.headers["x-suffice-profile"] = "\u5ba2"

    asyncio.run(respond.whole(200, b""))

    assert wire.headers["x-suffice-profile"] == "?"


def test_work_is_done_while_the_client_waits() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("all")

    async def run() -> None:
        await while_connected(make_request(Wire(pieces=[])), work())

    asyncio.run(run())

    assert done == ["all"]


@pytest.mark.parametrize("pieces", [[], [b"more than was announced"]])
def test_a_client_that_leaves_cancels_the_work(pieces: list[bytes]) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def run() -> None:
        await while_connected(make_request(Wire(pieces=pieces, leaves=True)), work())

    with pytest.raises(ClientGoneError):
        asyncio.run(run())

    assert ended == ["cancelled"]


def test_what_goes_wrong_in_the_work_is_told_as_it_is() -> None:
    async def work() -> None:
        raise RequestError("no")

    async def run() -> None:
        await while_connected(make_request(Wire(pieces=[])), work())

    with pytest.raises(RequestError, match="no"):
        asyncio.run(run())


def test_what_ends_the_task_ends_the_work_and_the_watch() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async def run() -> set[str]:
        task = asyncio.create_task(while_connected(make_request(Wire(pieces=[])), work()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return {left.get_name() for left in asyncio.all_tasks() if left is not asyncio.current_task()}

    assert asyncio.run(run()) == set()
    assert ended == ["work"]


@pytest.mark.parametrize(
    ("value", "expected"), [(None, False), ("1", True), ("0", False), ("yes", True), ("YES", True)]
)
def test_a_flag_is_read_from_the_words_it_knows(value: str | None, *, expected: bool) -> None:
    assert header_flag(value, name="x-flag", known={"1": True, "0": False, "yes": True}) is expected


def test_another_word_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RequestError, match="x-flag: 'maybe' is not understood; use 1 or 0") as caught:
        header_flag("maybe", name="x-flag", known={"1": True, "0": False})

    assert caught.value.param == "x-flag"
