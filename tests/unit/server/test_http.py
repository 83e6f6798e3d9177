import asyncio
from collections.abc import Mapping

import pytest
from gateway_calls import FakeOutlet, make_request, make_responder

from suffice.errors import MediaTypeError, RequestError, RequestTimeoutError, RequestTooLargeError, UpstreamBrokenError
from suffice.pipeline.ports import Sink
from suffice.server.http import check_type, header_flag
from suffice.server.upload import Upload


def read_body(
    upload: Upload, *, max_bytes: int = 100, timeout_s: float = 5.0, headers: Mapping[str, str] | None = None
) -> bytes:
    return asyncio.run(make_request(upload, headers=headers).body(max_bytes=max_bytes, timeout_s=timeout_s))


def read_while_it_comes(*pieces: bytes, max_bytes: int = 100, ends: bool = True) -> bytes:
    """A body whose pieces come only when somebody waits for them."""

    async def run() -> bytes:
        upload = Upload(is_whole=False)
        reading = asyncio.create_task(make_request(upload).body(max_bytes=max_bytes, timeout_s=5.0))
        for piece in pieces:
            await asyncio.sleep(0)
            upload.feed(piece)
        await asyncio.sleep(0)
        if ends:
            upload.end()
        return await reading

    return asyncio.run(run())


@pytest.mark.parametrize("pieces", [[b"abc"], [b"a", b"b", b"c"], [b"", b"abc", b""]])
def test_a_body_is_read_to_its_end(pieces: list[bytes]) -> None:
    assert read_body(Upload(*pieces)) == b"abc"
    assert read_while_it_comes(*pieces) == b"abc"


@pytest.mark.parametrize(
    ("pieces", "headers"),
    [([b"x" * 101], {}), ([b"x" * 60, b"x" * 60], {}), ([b""], {"content-length": "101"})],
)
def test_a_body_over_the_limit_is_refused(pieces: list[bytes], headers: Mapping[str, str]) -> None:
    with pytest.raises(RequestTooLargeError, match="over the limit of 100"):
        read_body(Upload(*pieces), headers=headers)


def test_a_body_that_grows_over_the_limit_is_refused_without_its_end() -> None:
    with pytest.raises(RequestTooLargeError, match="over the limit of 100 bytes"):
        read_while_it_comes(b"x" * 60, b"x" * 60, ends=False)


@pytest.mark.parametrize("length", ["100", "many", "\xb2"])
def test_a_body_within_the_limit_is_read_whatever_its_length_is_said_to_be(length: str) -> None:
    assert read_body(Upload(b"x" * 100), headers={"content-length": length}) == b"x" * 100


def test_a_compressed_body_is_refused() -> None:
    with pytest.raises(MediaTypeError, match="compressed"):
        read_body(Upload(b"abc"), headers={"content-encoding": "gzip"})


def test_a_body_that_does_not_come_is_waited_for_only_so_long() -> None:
    with pytest.raises(RequestTimeoutError, match=r"within 0\.01 s"):
        read_body(Upload(b"a", is_whole=False), timeout_s=0.01)


def test_a_body_that_cannot_be_read_to_its_end_is_refused_with_the_reason() -> None:
    upload = Upload(b"a", is_whole=False)
    upload.fail(RequestError("this is not HTTP"))

    with pytest.raises(RequestError, match="this is not HTTP"):
        read_body(upload)


def test_a_response_in_one_piece_is_sent_with_its_type() -> None:
    outlet = FakeOutlet()

    asyncio.run(make_responder(outlet).whole(404, b"{}"))

    assert (outlet.status, outlet.body, outlet.is_stream, outlet.n_drains) == (404, b"{}", False, 0)
    assert outlet.headers == {"x-suffice-request-id": "r1", "content-type": "application/json"}


def test_a_client_that_is_slow_to_take_a_response_is_waited_for() -> None:
    outlet = FakeOutlet(is_full=True)

    asyncio.run(make_responder(outlet).whole(200, b"{}"))

    assert outlet.n_drains == 1


class Pieces:
    """A stream of two pieces."""

    def __init__(self, error: UpstreamBrokenError | None = None) -> None:
        self.error = error

    async def pump(self, sink: Sink) -> None:
        for piece in (b"one ", b"two"):
            if not sink.write(piece):
                await sink.drain()
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize("is_full", [False, True])
def test_a_stream_is_sent_piece_by_piece_and_not_kept_by_anybody(*, is_full: bool) -> None:
    outlet = FakeOutlet(is_full=is_full)
    respond = make_responder(outlet)

    async def run() -> None:
        await respond.begin(200, "text/event-stream")
        await respond.push(Pieces())
        respond.break_off(b" three")

    asyncio.run(run())

    assert (outlet.pieces, outlet.has_ended) == ([b"one ", b"two", b" three"], True)
    assert outlet.n_drains == (2 if is_full else 0)
    assert outlet.headers["content-type"] == "text/event-stream"
    assert (outlet.headers["cache-control"], outlet.headers["x-accel-buffering"]) == ("no-cache", "no")


def test_a_stream_that_breaks_is_told_to_whoever_pushes_it() -> None:
    outlet = FakeOutlet()
    respond = make_responder(outlet)

    async def run() -> None:
        await respond.begin(200, "text/event-stream")
        await respond.push(Pieces(UpstreamBrokenError("gone")))

    with pytest.raises(UpstreamBrokenError, match="gone"):
        asyncio.run(run())

    assert (outlet.body, outlet.has_ended) == (b"one two", False)


@pytest.mark.parametrize("stated", [None, "application/json", "Application/JSON ; charset=x", "application/a+json"])
def test_json_may_have_any_of_its_names(stated: str | None) -> None:
    check_type(make_request(headers={} if stated is None else {"content-type": stated}))


@pytest.mark.parametrize("stated", ["", "text/plain", "multipart/form-data; boundary=application/json"])
def test_what_is_said_to_be_no_json_is_refused(stated: str) -> None:
    with pytest.raises(MediaTypeError, match="is not understood; send application/json"):
        check_type(make_request(headers={"content-type": stated}))


@pytest.mark.parametrize(
    ("value", "expected"), [(None, False), ("1", True), ("0", False), ("yes", True), ("YES", True)]
)
def test_a_flag_is_read_from_the_words_it_knows(value: str | None, *, expected: bool) -> None:
    assert header_flag(value, name="x-flag", known={"1": True, "0": False, "yes": True}) is expected


def test_another_word_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RequestError, match="x-flag: 'maybe' is not understood; use 1 or 0") as caught:
        header_flag("maybe", name="x-flag", known={"1": True, "0": False})

    assert caught.value.param == "x-flag"
