import asyncio
import logging
import socket
import struct

import msgspec
import pytest
from channel_ends import open_ends

from suffice.errors import ChannelError, ConflictError
from suffice.server.workers import channel
from suffice.server.workers.channel import Channel


async def echo(body: bytes) -> bytes:
    return body[::-1]


def test_a_question_is_answered_by_the_other_end() -> None:
    async def run() -> list[bytes]:
        async with open_ends({"echo": echo}) as ends:
            return [await ends.ours.ask("echo", b"abc"), await ends.ours.ask("echo", b"")]

    assert asyncio.run(run()) == [b"cba", b""]


def test_both_ends_may_ask() -> None:
    async def run() -> bytes:
        async with open_ends(ours={"echo": echo}) as ends:
            return await ends.theirs.ask("echo", b"abc")

    assert asyncio.run(run()) == b"cba"


def test_answers_find_their_questions_in_whatever_order_they_come() -> None:
    first_may_go = asyncio.Event()

    async def wait_for_second(body: bytes) -> bytes:
        if body == b"1":
            await first_may_go.wait()
        else:
            first_may_go.set()
        return body

    async def run() -> list[bytes]:
        async with open_ends({"wait": wait_for_second}) as ends, asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(ends.ours.ask("wait", body)) for body in (b"1", b"2")]
        return [task.result() for task in asked]

    assert asyncio.run(run()) == [b"1", b"2"]


def test_what_is_told_is_handled_in_its_order_and_before_a_question_after_it() -> None:
    heard: list[bytes] = []

    async def hear(body: bytes) -> bytes:
        heard.append(body)
        return b""

    async def run() -> None:
        async with open_ends({"told": hear, "asked": hear}) as ends:
            for n in range(50):
                ends.ours.tell("told", b"%d" % n)
            await ends.ours.ask("asked", b"last")

    asyncio.run(run())

    assert heard == [*(b"%d" % n for n in range(50)), b"last"]


async def refuse(_: bytes) -> bytes:
    raise ConflictError("the mode stays as it is")


async def stumble(_: bytes) -> bytes:
    raise ZeroDivisionError("of all things")


@pytest.mark.parametrize(
    ("kind", "why"), [("refuse", "the mode stays as it is"), ("stumble", "ZeroDivisionError"), ("unknown", "KeyError")]
)
def test_a_question_that_cannot_be_answered_fails_with_the_reason_and_the_channel_goes_on(kind: str, why: str) -> None:
    async def run() -> bytes:
        async with open_ends({"refuse": refuse, "stumble": stumble, "echo": echo}) as ends:
            with pytest.raises(ChannelError, match=why):
                await ends.ours.ask(kind)
            return await ends.ours.ask("echo", b"ab")

    assert asyncio.run(run()) == b"ba"


def test_what_is_told_and_refused_is_logged_without_a_stack(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with open_ends({"refuse": refuse, "echo": echo}) as ends:
            ends.ours.tell("refuse")
            await ends.ours.ask("echo")

    asyncio.run(run())

    assert [(record.getMessage(), record.exc_info) for record in caplog.records] == [("the mode stays as it is", None)]


def test_an_answer_that_does_not_come_in_time_is_an_error_and_is_not_missed_afterwards() -> None:
    late = asyncio.Event()

    async def wait(_: bytes) -> bytes:
        await late.wait()
        return b"late"

    async def run() -> bytes:
        async with open_ends({"wait": wait, "echo": echo}) as ends:
            with pytest.raises(ChannelError, match="did not answer 'wait' within 0 s"):
                await ends.ours.ask("wait", timeout_s=0.0)
            late.set()
            return await ends.ours.ask("echo", b"ab")

    assert asyncio.run(run()) == b"ba"


def test_whoever_waits_for_an_end_that_goes_away_is_told_at_once() -> None:
    asked = asyncio.Event()

    async def never(_: bytes) -> bytes:
        asked.set()
        await asyncio.Event().wait()
        return b""

    async def run() -> None:
        async with open_ends({"never": never}) as ends:
            waiting = asyncio.create_task(ends.ours.ask("never", timeout_s=1000.0))
            await asked.wait()
            ends.theirs.close()
            with pytest.raises(ChannelError, match="is gone"):
                await waiting
            with pytest.raises(ChannelError, match="is gone"):
                ends.ours.tell("never")

    asyncio.run(run())


def test_a_handler_that_asks_the_end_that_went_away_does_not_hold_the_channel_up() -> None:
    """As a worker does that asks for everybody's metrics, its own among them, and ends."""
    far: list[Channel] = []

    async def ask_back(_: bytes) -> bytes:
        return await far[0].ask("never", timeout_s=1000.0)

    async def never(_: bytes) -> bytes:
        far_is_asking.set()
        await asyncio.Event().wait()
        return b""

    far_is_asking = asyncio.Event()

    async def run() -> None:
        async with open_ends({"ask back": ask_back}, ours={"never": never}) as ends:
            far.append(ends.theirs)
            asking = asyncio.create_task(ends.ours.ask("ask back"))
            await far_is_asking.wait()
            ends.ours.close()
            await ends.their_run
            with pytest.raises(ChannelError):
                await asking

    asyncio.run(run())


def test_what_was_said_before_the_end_is_handled() -> None:
    heard: list[bytes] = []

    async def hear(body: bytes) -> bytes:
        await asyncio.sleep(0)
        heard.append(body)
        return b""

    async def run() -> None:
        async with open_ends({"told": hear}) as ends:
            for n in range(3):
                ends.ours.tell("told", b"%d" % n)
            ends.ours.close()
            await ends.their_run

    asyncio.run(run())

    assert heard == [b"0", b"1", b"2"]


def test_a_message_that_is_too_large_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "MAX_MESSAGE_BYTES", 100)

    async def run() -> bytes:
        async with open_ends({"echo": echo}) as ends:
            with pytest.raises(ChannelError, match="over the limit of 100"):
                await ends.ours.ask("echo", b"x" * 101)
            return await ends.ours.ask("echo", b"ab")

    assert asyncio.run(run()) == b"ba"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (struct.pack("!I", 2**32 - 1), "over the limit"),
        (struct.pack("!I", 3) + b"\xc1\xc1\xc1", "hung up on"),
        (struct.pack("!I", 1) + msgspec.msgpack.encode(1), "Expected `array`"),
    ],
)
def test_what_is_no_message_ends_the_channel_and_nothing_else(
    said: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "suffice.workers")

    async def run() -> bytes:
        left, right = socket.socketpair()
        far = Channel(*await asyncio.open_connection(sock=right), {})
        reader, writer = await asyncio.open_connection(sock=left)
        writer.write(said)
        await far.run()
        rest = await reader.read()
        writer.close()
        return rest

    assert asyncio.run(run()) == b""
    assert why in caplog.text
