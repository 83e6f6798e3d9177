"""The fakes keep the promises of the ports they stand in for."""

import asyncio

import pytest

from suffice.errors import UpstreamBrokenError, UpstreamError
from suffice.pipeline.ports import Observer, Scorer, Upstream
from suffice.testing.fakes import FakeUpstream, FixedScorer, ListObserver
from suffice.upstream.call import Call
from suffice.vocabulary import Outcome, Turn

CALL = Call(path="/chat/completions", body=b"{}", stream=True)


async def read_plain(upstream: Upstream) -> bytes | None:
    async with upstream.open(CALL) as exchange:
        return exchange.body


def rate(scorer: Scorer, text: str) -> float:
    return scorer.score(Turn(text=text, n_tokens=1)).complexity


def note(observer: Observer, outcome: Outcome) -> None:
    observer.observe(outcome)


def test_answers_come_in_order_and_the_last_one_again() -> None:
    upstream = FakeUpstream(b"one", b"two")

    bodies = [asyncio.run(read_plain(upstream)) for _ in range(3)]

    assert bodies == [b"one", b"two", b"two"]
    assert upstream.calls == [CALL] * 3


def test_a_failure_comes_before_the_first_byte() -> None:
    upstream = FakeUpstream(UpstreamError("down"), b"up")

    with pytest.raises(UpstreamError, match="down"):
        asyncio.run(read_plain(upstream))

    assert upstream.n_open == 0


def test_a_stream_breaks_where_its_error_stands() -> None:
    upstream = FakeUpstream([b"a", UpstreamBrokenError("cut")])
    seen: list[bytes] = []

    async def read() -> None:
        async with upstream.open(CALL) as exchange:
            assert exchange.chunks is not None
            async for chunk in exchange.chunks:
                seen.append(chunk)  # noqa: PERF401 - what came before the break is the point

    with pytest.raises(UpstreamBrokenError):
        asyncio.run(read())

    assert seen == [b"a"]
    assert upstream.n_open == 0


def test_a_named_text_has_its_own_complexity() -> None:
    scorer = FixedScorer(1.0, hard=9.0)

    scores = [rate(scorer, text) for text in ("easy", "hard")]

    assert scores == [1.0, 9.0]


def test_outcomes_are_kept_in_order() -> None:
    observer = ListObserver()
    outcomes = [Outcome(request_id=name, received_at=0.0, endpoint="/v1/chat/completions") for name in ("a", "b")]

    for outcome in outcomes:
        note(observer, outcome)

    assert observer.outcomes == outcomes
