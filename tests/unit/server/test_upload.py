import asyncio

import pytest

from suffice.errors import RequestError
from suffice.server.upload import Upload


def wait_for(upload: Upload, *, limit: int = 100) -> None:
    asyncio.run(upload.wait(limit))


def test_what_came_is_joined_and_a_single_piece_is_not_copied() -> None:
    piece = b"abc"

    assert Upload(piece).joined() is piece
    assert Upload(b"a", b"bc").joined() == b"abc"
    assert Upload().joined() == b""


def test_a_whole_body_need_not_be_waited_for() -> None:
    wait_for(Upload(b"abc"))


@pytest.mark.parametrize(
    ("limit", "expected"), [(0, [True, True, True]), (2, [False, True, True]), (100, [False, False, False])]
)
def test_a_wait_ends_at_the_end_or_over_the_limit_and_not_before(limit: int, expected: list[bool]) -> None:
    async def run() -> list[bool]:
        upload = Upload(is_whole=False)
        waiting = asyncio.create_task(upload.wait(limit))
        done: list[bool] = []
        for piece in (b"ab", b"c", b""):
            await asyncio.sleep(0)
            upload.feed(piece)
            for _ in range(3):
                await asyncio.sleep(0)
            done.append(waiting.done())
        upload.end()
        await waiting
        return done

    assert asyncio.run(run()) == expected


def test_bytes_over_the_limit_that_were_there_before_anybody_waited_end_the_wait_at_once() -> None:
    wait_for(Upload(b"x" * 101, is_whole=False))


@pytest.mark.parametrize("is_early", [True, False])
def test_a_failure_ends_the_wait_with_the_reason_whenever_it_comes(*, is_early: bool) -> None:
    async def run() -> None:
        upload = Upload(b"a", is_whole=False)
        if is_early:
            upload.fail(RequestError("no chunk"))
        waiting = asyncio.create_task(upload.wait(100))
        await asyncio.sleep(0)
        if not is_early:
            upload.fail(RequestError("no chunk"))
        await waiting

    with pytest.raises(RequestError, match="no chunk"):
        asyncio.run(run())


def test_a_client_that_waits_to_be_asked_is_asked_once_somebody_waits_for_its_body() -> None:
    asked: list[str] = []

    async def run() -> None:
        upload = Upload(is_whole=False)
        upload.expect = lambda: asked.append("go on")
        assert asked == []
        waiting = asyncio.create_task(upload.wait(100))
        await asyncio.sleep(0)
        assert asked == ["go on"]
        upload.feed(b"a")
        upload.end()
        await waiting

    asyncio.run(run())

    assert asked == ["go on"]


def test_a_client_whose_body_is_on_its_way_is_not_asked_for_it() -> None:
    async def run() -> None:
        upload = Upload(b"a", is_whole=False)
        upload.expect = lambda: pytest.fail("it sends already")
        waiting = asyncio.create_task(upload.wait(100))
        await asyncio.sleep(0)
        upload.end()
        await waiting

    asyncio.run(run())


def test_what_comes_after_whoever_waited_was_cancelled_harms_nobody() -> None:
    async def run() -> bytes:
        upload = Upload(is_whole=False)
        waiting = asyncio.create_task(upload.wait(0))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        upload.feed(b"late")
        upload.end()
        return upload.joined()

    assert asyncio.run(run()) == b"late"


def test_bytes_that_nobody_wants_are_counted_and_thrown_away() -> None:
    upload = Upload(is_whole=False, max_bytes=3)

    for _ in range(5):
        upload.feed(b"ab")

    assert (upload.n_bytes, upload.joined()) == (10, b"ab")
