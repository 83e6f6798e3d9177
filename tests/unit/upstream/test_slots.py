import asyncio

import pytest

from suffice.upstream.slots import Slots


async def _hold(slots: Slots, name: str, entered: list[str], leave: asyncio.Event) -> None:
    async with slots.hold():
        entered.append(name)
        await leave.wait()


async def _settle() -> None:
    """Let every task that can run do so: each step of these tests takes fewer turns of the loop than this."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_waiters_enter_in_the_order_they_came() -> None:
    async def scenario() -> list[str]:
        slots, entered = Slots(1, max_waiting=9), list[str]()
        leave = asyncio.Event()
        leave.set()
        async with asyncio.TaskGroup() as group:
            for name in "abcd":
                group.create_task(_hold(slots, name, entered, leave))
        return entered

    assert asyncio.run(scenario()) == ["a", "b", "c", "d"]


def test_a_full_queue_refuses() -> None:
    async def scenario() -> None:
        slots, leave = Slots(1, max_waiting=1), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for name in "ab":
                group.create_task(_hold(slots, name, [], leave))
            await _settle()
            try:
                with pytest.raises(asyncio.QueueFull):
                    await _hold(slots, "c", [], leave)
            finally:
                leave.set()

    asyncio.run(scenario())


def test_a_cancelled_holder_gives_its_place_to_the_next() -> None:
    async def scenario() -> list[str]:
        slots, entered, leave = Slots(1, max_waiting=9), list[str](), asyncio.Event()
        first = asyncio.create_task(_hold(slots, "first", entered, leave))
        second = asyncio.create_task(_hold(slots, "second", entered, leave))
        await _settle()
        first.cancel()
        await _settle()
        leave.set()
        await second
        return entered

    assert asyncio.run(scenario()) == ["first", "second"]


def test_a_place_handed_to_a_waiter_that_is_cancelled_in_the_same_turn_is_passed_on() -> None:
    async def scenario() -> tuple[list[str], int]:
        slots, entered, leave = Slots(1, max_waiting=9), list[str](), asyncio.Event()
        tasks = [asyncio.create_task(_hold(slots, name, entered, leave)) for name in ("a", "b", "c")]
        await _settle()
        tasks[0].cancel()
        # One turn: `a` releases to `b`, whose future is done while its task has not run yet.
        await asyncio.sleep(0)
        tasks[1].cancel()
        await _settle()
        leave.set()
        await tasks[2]
        return entered, slots.n_taken

    assert asyncio.run(scenario()) == (["a", "c"], 0)


def test_places_and_waiters_are_counted() -> None:
    async def scenario() -> tuple[int, int]:
        slots, leave = Slots(2, max_waiting=9), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(_hold(slots, name, [], leave))
            await _settle()
            counts = slots.n_taken, slots.n_waiting
            leave.set()
        return counts

    assert asyncio.run(scenario()) == (2, 1)
