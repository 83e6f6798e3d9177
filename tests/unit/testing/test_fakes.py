"""The fakes keep the promises of the ports they stand in for."""

import asyncio

import pytest

from suffice.errors import UpstreamBrokenError, UpstreamError
from suffice.pipeline.ports import Observer, Scorer, Upstream
from suffice.testing.fakes import Collector, FakeUpstream, FixedScorer, Scripted
from suffice.upstream.call import Call
from suffice.vocabulary import Outcome, Turn

CALL = Call(path="/chat/completions", body=b"{}", stream=True)


async def read_plain(upstream: Upstream) -> bytes | None:
    async with upstream.open(CALL) as exchange:
        return exchange.body


async def read_stream(upstream: Upstream, seen: list[bytes]) -> None:
    async with upstream.open(CALL) as exchange:
        assert exchange.chunks is not None
        async for chunk in exchange.chunks:
            seen.append(chunk)  # noqa: PERF401 - what came before a break is the point


def rate(scorer: Scorer, text: str) -> float:
    return scorer.score(Turn(text=text, n_tokens=1)).complexity


def note(observer: Observer, outcome: Outcome) -> None:
    observer.observe(outcome)


def test_answers_come_in_order_and_the_last_one_again() -> None:
    upstream = FakeUpstream([Scripted(body=b"one"), Scripted(body=b"two")])

    bodies = [asyncio.run(read_plain(upstream)) for _ in range(3)]

    assert bodies == [b"one", b"two", b"two"]
    assert upstream.calls == [CALL] * 3


def test_a_failure_comes_before_the_first_byte() -> None:
    upstream = FakeUpstream([Scripted(breaks=UpstreamError("down"))])

    with pytest.raises(UpstreamError, match="down"):
        asyncio.run(read_plain(upstream))

    assert upstream.n_open == 0


def test_a_stream_breaks_after_its_events() -> None:
    upstream = FakeUpstream([Scripted(events=[b"a", b"b"], breaks=UpstreamBrokenError("cut"))])
    seen: list[bytes] = []

    with pytest.raises(UpstreamBrokenError):
        asyncio.run(read_stream(upstream, seen))

    assert seen == [b"a", b"b"]
    assert upstream.n_open == 0


def test_every_turn_has_the_fixed_complexity() -> None:
    scorer = FixedScorer(3.0)

    assert [rate(scorer, text) for text in ("easy", "hard " * 100)] == [3.0, 3.0]


def test_outcomes_are_kept_in_order() -> None:
    collector = Collector()
    outcomes = [Outcome(request_id=name, received_at=0.0, endpoint="/v1/chat/completions") for name in ("a", "b")]

    for outcome in outcomes:
        note(collector, outcome)

    assert collector.outcomes == outcomes
