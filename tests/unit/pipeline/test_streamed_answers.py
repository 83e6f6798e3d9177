import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from suffice.errors import UpstreamBrokenError, UpstreamError, UpstreamTimeoutError
from suffice.pipeline.arrival import Arrival, Reply
from suffice.pipeline.pipeline import Pipeline
from suffice.testing.fakes import (
    Collected,
    Delivery,
    FakeUpstream,
    Scripted,
    chunk,
    make_arrival,
    make_pipeline,
    make_router,
)
from suffice.vocabulary import Role

ROLE = chunk({"role": "assistant", "content": ""})
HELLO = chunk({"content": "Hello"})
WORLD = chunk({"content": " world"})
STOP = chunk({}, finish_reason="stop")
USAGE = chunk(None, usage={"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9})
DONE = b"data: [DONE]\n\n"
WHOLE = [ROLE, HELLO, WORLD, STOP, USAGE, DONE]
BROKEN = UpstreamBrokenError("it broke")


def streamed(events: Sequence[bytes], **more: Any) -> FakeUpstream:
    return FakeUpstream([Scripted(events=events, **more)])


def read(pipeline: Pipeline, arrival: Arrival) -> bytes:
    delivery = Delivery()
    asyncio.run(pipeline.answer(arrival, delivery.take))
    assert delivery.reply is not None
    assert delivery.reply.pieces is not None
    return delivery.body


class Leaving(Delivery):
    """A client that hangs up once it has got something."""

    def __init__(self, *, after: bytes) -> None:
        super().__init__(sink=_LeavingSink(after=after))


@dataclass(slots=True)
class _LeavingSink(Collected):
    after: bytes = b""

    def write(self, piece: bytes) -> bool:
        super(_LeavingSink, self).write(piece)
        return not self.body.endswith(self.after)

    async def drain(self) -> None:
        raise asyncio.CancelledError


def ask(**fields: Any) -> Arrival:
    return make_arrival(stream=True, **fields)


def test_a_stream_passes_untouched_but_for_the_usage_nobody_asked_for() -> None:
    pipeline, collector = make_pipeline(streamed(WHOLE), streamed(WHOLE))

    got = read(pipeline, ask())

    assert got == b"".join([ROLE, HELLO, WORLD, STOP, DONE])
    assert collector.only.attempts[0].usage is not None
    assert collector.only.attempts[0].usage.completion_tokens == 2


def test_usage_is_always_asked_of_the_upstream() -> None:
    small = streamed(WHOLE)
    pipeline, _ = make_pipeline(small, streamed(WHOLE))

    read(pipeline, ask(stream_options={"continuous_usage_stats": False}))

    options = json.loads(small.calls[0].body)["stream_options"]
    assert options == {"continuous_usage_stats": False, "include_usage": True}


def test_null_usage_in_other_chunks_is_taken_out_to_the_byte() -> None:
    events = [chunk({"content": "Hi"}, usage=None), chunk({}, finish_reason="stop", usage=None), USAGE, DONE]
    pipeline, _ = make_pipeline(streamed(events), streamed(WHOLE))

    got = read(pipeline, ask())

    assert got == chunk({"content": "Hi"}) + STOP + DONE


@pytest.mark.parametrize("events", [WHOLE, [ROLE, HELLO, WORLD, STOP, DONE]])
def test_a_client_that_asks_gets_exactly_one_usage_chunk_with_the_truth(events: Sequence[bytes]) -> None:
    pipeline, collector = make_pipeline(streamed(events), streamed(WHOLE))

    got = read(pipeline, ask(stream_options={"include_usage": True}))

    documents = [json.loads(line[6:]) for line in got.split(b"\n\n") if line.startswith(b"data: {")]
    with_usage = [document for document in documents if document.get("usage")]
    assert len(with_usage) == 1
    assert with_usage[0] is documents[-1]
    assert with_usage[0]["choices"] == []
    assert with_usage[0]["suffice"]["tier"] == "small"
    assert with_usage[0]["suffice"]["cost_usd"] == pytest.approx(collector.only.cost_usd)
    assert got.endswith(DONE)


def test_nothing_is_committed_before_the_first_content() -> None:
    small = streamed([ROLE, STOP, DONE])
    large = streamed(WHOLE)
    pipeline, collector = make_pipeline(small, large)

    got = read(pipeline, ask())

    assert got == b"".join([ROLE, HELLO, WORLD, STOP, DONE])
    assert [attempt.role for attempt in collector.only.attempts] == [Role.DRAFT, Role.SERVE]
    assert small.n_open == 0


def test_a_stream_that_breaks_before_its_first_content_is_taken_over() -> None:
    pipeline, collector = make_pipeline(streamed([ROLE], breaks=BROKEN), streamed(WHOLE))

    got = read(pipeline, ask())

    assert got.startswith(ROLE + HELLO)
    assert got.count(ROLE) == 1
    assert collector.only.error is None


def test_what_breaks_after_the_end_mark_is_no_business_of_the_client() -> None:
    pipeline, collector = make_pipeline(streamed(WHOLE, breaks=BROKEN), streamed(WHOLE))

    got = read(pipeline, ask())

    assert got.endswith(DONE)
    assert collector.only.error is None


@pytest.mark.parametrize(
    "upstream",
    [
        streamed([ROLE, HELLO], breaks=BROKEN),
        streamed([ROLE, HELLO]),
        streamed([ROLE, HELLO, WORLD, STOP, b"data: {"]),
        streamed([ROLE, HELLO, b"data: not json\n\n"]),
        streamed([ROLE, HELLO, b'data: {"error":{"message":"out of memory"}}\n\n']),
        streamed([ROLE, HELLO, b'event: error\ndata: {"message":"out of memory"}\n\n']),
    ],
)
def test_a_stream_that_breaks_after_its_first_content_is_never_ended_as_if_it_were_whole(
    upstream: FakeUpstream,
) -> None:
    large = streamed(WHOLE)
    pipeline, collector = make_pipeline(upstream, large)
    delivery = Delivery()

    with pytest.raises(UpstreamBrokenError):
        asyncio.run(pipeline.answer(ask(), delivery.take))

    outcome = collector.only
    assert delivery.body.startswith(ROLE + HELLO)
    assert DONE not in delivery.body
    assert large.calls == []
    assert outcome.error == "upstream_broken"
    assert outcome.cost_usd > 0
    assert outcome.attempts[0].usage is not None
    assert outcome.attempts[0].usage.estimated


def test_a_finished_stream_without_an_end_mark_is_whole_and_gets_none() -> None:
    pipeline, collector = make_pipeline(streamed([ROLE, HELLO, STOP]), streamed(WHOLE))

    got = read(pipeline, ask())

    assert got == ROLE + HELLO + STOP
    assert collector.only.error is None


def test_a_long_stream_is_read_before_too_much_of_it_is_put_off() -> None:
    events = [HELLO, *[chunk({"content": "x" * 100_000})] * 20, STOP, DONE]
    router = make_router(settings={"record_content": True})
    pipeline, collector = make_pipeline(streamed(events), streamed(WHOLE), router=router)

    got = read(pipeline, ask())

    assert got == b"".join(events)
    assert collector.only.attempts[0].answer == "Hello" + "x" * 2_000_000
    assert collector.only.attempts[0].usage is not None
    assert collector.only.attempts[0].usage.completion_tokens == 21


def test_comments_and_thoughts_pass_as_they_come() -> None:
    events = [b": ping\n\n", chunk({"reasoning_content": "hm"}), HELLO, STOP, DONE]
    pipeline, _ = make_pipeline(streamed(events), streamed(WHOLE))

    got = read(pipeline, ask())

    assert got == b"".join(events)


def test_a_client_that_leaves_ends_the_call_and_pays_for_what_ran() -> None:
    small = streamed(WHOLE)
    pipeline, collector = make_pipeline(small, streamed(WHOLE))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(pipeline.answer(ask(), Leaving(after=HELLO).take))

    outcome = collector.only
    assert small.n_open == 0
    assert outcome.cancelled
    assert outcome.attempts[0].usage is not None
    assert outcome.attempts[0].usage.estimated
    assert outcome.attempts[0].usage.completion_tokens == 1
    assert outcome.cost_usd > 0


def test_a_plain_answer_to_a_streamed_request_is_read_as_a_failure_of_the_tier() -> None:
    pipeline, _ = make_pipeline(FakeUpstream([Scripted(body=b"{}")]), streamed(WHOLE))

    got = read(pipeline, ask())

    assert got.endswith(DONE)


def test_the_last_tiers_failure_before_the_first_byte_is_an_ordinary_error() -> None:
    down = FakeUpstream([Scripted(breaks=UpstreamError("down"))])
    pipeline, collector = make_pipeline(down, down)

    with pytest.raises(UpstreamError, match="down"):
        read(pipeline, ask())

    assert collector.only.first_byte_s is None


def test_a_client_that_leaves_at_the_end_mark_has_had_its_answer() -> None:
    pipeline, collector = make_pipeline(streamed(WHOLE), streamed(WHOLE))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(pipeline.answer(ask(), Leaving(after=DONE).take))

    assert not collector.only.cancelled


def test_a_client_that_is_full_is_waited_for_before_more_is_read() -> None:
    order: list[str] = []

    @dataclass(slots=True)
    class Full(Collected):
        def write(self, piece: bytes) -> bool:
            order.append("wrote")
            return False

        async def drain(self) -> None:
            order.append("drained")

    async def note(index: int) -> None:
        order.append(f"read {index}")

    pipeline, _ = make_pipeline(streamed([HELLO, WORLD, STOP + DONE], before_event=note), streamed(WHOLE))

    asyncio.run(pipeline.answer(ask(), Delivery(sink=Full()).take))

    assert order[:7] == ["read 0", "wrote", "drained", "read 1", "wrote", "drained", "read 2"]


async def wait_for_ever(index: int = 0) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("fails", ["before the first byte", "in the stream", "while the client is full"])
def test_a_request_that_takes_too_long_ends_its_call_wherever_it_is(fails: str) -> None:
    @dataclass(slots=True)
    class Full(Collected):
        async def drain(self) -> None:
            await wait_for_ever()

        def write(self, piece: bytes) -> bool:
            return fails != "while the client is full"

    async def wait(index: int) -> None:
        if fails == "before the first byte" or (fails == "in the stream" and index == 1):
            await wait_for_ever()

    small = streamed([HELLO, WORLD, STOP, DONE], before_event=wait)
    router = make_router(settings={"total_timeout_s": 0.02})
    pipeline, collector = make_pipeline(small, streamed(WHOLE), router=router)

    with pytest.raises(UpstreamTimeoutError, match=r"the request took longer than 0\.02 s"):
        asyncio.run(pipeline.answer(ask(), Delivery(sink=Full()).take))

    outcome = collector.only
    assert small.n_open == 0
    assert (outcome.error, outcome.cancelled) == ("upstream_timeout", False)
    assert [attempt.error for attempt in outcome.attempts] == ["upstream_timeout"]


@pytest.mark.parametrize("n_turns", range(5))
def test_a_client_that_leaves_before_it_is_answered_leaves_nothing_open(n_turns: int) -> None:
    small, large = streamed(WHOLE, before_event=wait_for_ever), streamed(WHOLE)
    pipeline, collector = make_pipeline(small, large)
    delivery = Delivery()

    async def run() -> None:
        task = asyncio.create_task(pipeline.answer(ask(), delivery.take))
        for _ in range(n_turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())

    assert (small.n_open, large.calls, delivery.reply) == (0, [], None)
    assert [outcome.cancelled for outcome in collector.outcomes] == [True] * min(n_turns, 1)


def test_a_fault_of_whoever_delivers_is_told_as_it_is_and_ends_the_call() -> None:
    small = streamed(WHOLE)
    pipeline, collector = make_pipeline(small, streamed(WHOLE))

    async def fail(reply: Reply) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(pipeline.answer(ask(), fail))

    assert small.n_open == 0
    assert len(collector.outcomes) == 1
