import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import pytest
from channel_ends import open_ends

from suffice.errors import ChannelError, RecordingError
from suffice.recording.labels import Label
from suffice.server.workers import member
from suffice.server.workers.member import RemoteRecorder
from suffice.server.workers.orders import LABEL, RECORDS
from suffice.testing.outcomes import make_outcome
from suffice.vocabulary import Features, Outcome, Turn

LABEL_OF_ONE = Label(request_id="req-00000001", score=1.0, source="feedback", of_key="team-a", comment="good")


@dataclass
class Writer:
    """The far end: what it got, batch by batch, and whether it answers."""

    batches: list[list[Outcome]] = field(default_factory=list[list[Outcome]])
    labels: list[tuple[Label, int]] = field(default_factory=list[tuple[Label, int]])
    """Each with the number of outcomes that had come before it."""
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    """Something did."""
    fails: bool = False

    async def record(self, body: bytes) -> bytes:
        self.batches.append(msgspec.msgpack.decode(body, type=list[Outcome]))
        self.came.set()
        await self.may_answer.wait()
        if self.fails:
            raise ChannelError("the disk is full")
        return b""

    async def label(self, body: bytes) -> bytes:
        self.labels.append((msgspec.msgpack.decode(body, type=Label), len(self.ids)))
        self.came.set()
        if self.fails:
            raise ChannelError("the disk is full")
        return msgspec.msgpack.encode(True)  # noqa: FBT003 - the answer itself

    @property
    def ids(self) -> list[str]:
        return [outcome.request_id for batch in self.batches for outcome in batch]


@asynccontextmanager
async def open_recorder(
    writer: Writer, *, queue_size: int = 1000, answers: bool = True
) -> AsyncGenerator[RemoteRecorder]:
    if answers:
        writer.may_answer.set()
    async with open_ends({RECORDS: writer.record, LABEL: writer.label}) as ends:
        yield RemoteRecorder(ends.ours, queue_size=queue_size)


def test_an_outcome_comes_over_as_it_was() -> None:
    writer = Writer()
    outcome = make_outcome(7, escalated=True, session="s-1")
    outcome.prompt = '[{"role":"user","content":"why? 🦓"}]'
    outcome.attempts[0].answer = "because"

    async def run() -> None:
        async with open_recorder(writer) as recorder:
            recorder.observe(outcome)
            await recorder.flush()

    asyncio.run(run())

    (came,) = writer.batches[0]
    assert msgspec.json.encode(came) == msgspec.json.encode(outcome)
    assert (came.escalated, came.cost_usd) == (True, outcome.cost_usd)


def test_outcomes_come_in_their_order_in_batches_and_are_queued_until_they_are_taken() -> None:
    writer = Writer()

    async def run() -> list[int]:
        async with open_recorder(writer, answers=False) as recorder:
            for n in range(member.BATCH + 10):
                recorder.observe(make_outcome(n))
            flushing = asyncio.create_task(recorder.flush())
            await writer.came.wait()
            queued = [recorder.counts.queued]
            writer.may_answer.set()
            await flushing
            return [*queued, recorder.counts.queued, recorder.counts.dropped]

    assert asyncio.run(run()) == [member.BATCH + 10, 0, 0]
    assert [len(batch) for batch in writer.batches] == [member.BATCH, 10]
    assert writer.ids == [make_outcome(n).request_id for n in range(member.BATCH + 10)]


def test_what_runs_hands_over_by_itself() -> None:
    writer = Writer()

    async def run() -> None:
        async with open_recorder(writer) as recorder:
            running = asyncio.create_task(recorder.run())
            for n in range(3):
                recorder.observe(make_outcome(n))
            await writer.came.wait()
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(run())

    assert [len(batch) for batch in writer.batches] == [3]


def test_what_finds_no_place_is_dropped_and_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    writer = Writer()

    async def run() -> tuple[int, int]:
        async with open_recorder(writer, queue_size=5) as recorder:
            for n in range(8):
                recorder.observe(make_outcome(n))
            counts = recorder.counts
            await recorder.flush()
            return counts.queued, counts.dropped

    assert asyncio.run(run()) == (5, 3)
    assert len(writer.ids) == 5
    assert [record.getMessage() for record in caplog.records] == ["records are dropped: too many are waiting"]


def test_content_is_bounded_as_well_as_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "MAX_CONTENT", 100)
    monkeypatch.setattr(member, "BATCH_CONTENT", 50)
    writer = Writer()

    async def run() -> int:
        async with open_recorder(writer) as recorder:
            for n in range(5):
                outcome = make_outcome(n)
                outcome.prompt = "x" * 30
                recorder.observe(outcome)
            await recorder.flush()
            recorder.observe(make_outcome(9))
            await recorder.flush()
            return recorder.counts.dropped

    assert asyncio.run(run()) == 2
    assert [len(batch) for batch in writer.batches] == [2, 1, 1]


def test_what_the_writer_does_not_take_is_counted_and_the_next_is_handed_over(caplog: pytest.LogCaptureFixture) -> None:
    writer = Writer(fails=True)

    async def run() -> int:
        async with open_recorder(writer) as recorder:
            recorder.observe(make_outcome(0))
            await recorder.flush()
            writer.fails = False
            recorder.observe(make_outcome(1))
            await recorder.flush()
            return recorder.counts.dropped

    assert asyncio.run(run()) == 1
    assert len(writer.ids) == 2
    assert "records are dropped: the disk is full" in caplog.text


def test_one_outcome_with_an_odd_value_costs_no_other() -> None:
    writer = Writer()
    odd = make_outcome(1)
    odd.features = Features(turns=(Turn(text="a lone \ud800", n_tokens=2),), n_prompt_tokens=2**70, n_messages=1)

    async def run() -> tuple[int, int]:
        async with open_recorder(writer) as recorder:
            for outcome in (make_outcome(0), odd, make_outcome(2)):
                recorder.observe(outcome)
            await recorder.flush()
            return recorder.counts.dropped, recorder.counts.queued

    assert asyncio.run(run()) == (1, 0)
    assert writer.ids == [make_outcome(0).request_id, make_outcome(2).request_id]


def test_a_label_comes_after_the_outcomes_before_it() -> None:
    writer = Writer()

    async def run() -> bool:
        async with open_recorder(writer) as recorder:
            recorder.observe(make_outcome(1))
            found = recorder.label(LABEL_OF_ONE)
            assert found is not None
            return await asyncio.wrap_future(found)

    assert asyncio.run(run())
    assert writer.labels == [(LABEL_OF_ONE, 1)]


def test_a_label_that_cannot_be_written_says_so() -> None:
    writer = Writer(fails=True)

    async def run() -> None:
        async with open_recorder(writer) as recorder:
            found = recorder.label(LABEL_OF_ONE)
            assert found is not None
            with pytest.raises(RecordingError, match="the disk is full"):
                await asyncio.wrap_future(found)

    asyncio.run(run())


def test_labels_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "MAX_WAITING", 2)

    async def run() -> list[bool]:
        async with open_recorder(Writer()) as recorder:
            taken = [recorder.label(LABEL_OF_ONE) for _ in range(3)]
            for found in taken:
                if found is not None:
                    await asyncio.wrap_future(found)
            return [found is not None for found in taken]

    assert asyncio.run(run()) == [True, True, False]


def test_whoever_gives_a_label_up_is_not_told_of_it(caplog: pytest.LogCaptureFixture) -> None:
    writer = Writer()

    async def run() -> None:
        async with open_recorder(writer) as recorder:
            found = recorder.label(LABEL_OF_ONE)
            assert found is not None
            found.cancel()
            await writer.came.wait()
            await recorder.flush()

    asyncio.run(run())

    assert caplog.records == []


def test_at_the_end_all_that_is_left_is_handed_over() -> None:
    writer = Writer()

    async def run() -> int:
        async with open_recorder(writer) as recorder:
            for n in range(600):
                recorder.observe(make_outcome(n))
            await recorder.close(20.0)
            return recorder.counts.dropped

    assert asyncio.run(run()) == 0
    assert len(writer.ids) == 600


@pytest.mark.parametrize("is_there", [True, False], ids=["it does not answer", "it is gone"])
def test_what_the_writer_cannot_take_at_the_end_is_counted_and_told(
    caplog: pytest.LogCaptureFixture, *, is_there: bool
) -> None:
    caplog.set_level(logging.ERROR, "suffice.workers")
    writer = Writer()

    async def run() -> tuple[int, int]:
        async with open_ends({RECORDS: writer.record}) as ends:
            recorder = RemoteRecorder(ends.ours, queue_size=1000)
            for n in range(600):
                recorder.observe(make_outcome(n))
            if not is_there:
                ends.theirs.close()
                await ends.our_run
            await recorder.close(0.01)
            return recorder.counts.dropped, recorder.counts.queued

    assert asyncio.run(run()) == (600, 0)
    assert [record.getMessage() for record in caplog.records] == ["600 records of this worker are lost"]
