import asyncio
from collections.abc import Awaitable, Callable

import pytest

from suffice.pipeline.limits import TICK_S, TimeLimits


def within(limit_s: float, work: Callable[[], Awaitable[object]]) -> float:
    """Run some work within a limit; returns how long it took."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with TimeLimits().within(limit_s):
            await work()
        return loop.time() - began

    return asyncio.run(run())


def test_what_ends_in_time_is_left_alone() -> None:
    assert within(60.0, lambda: asyncio.sleep(0)) < 30.0


def test_what_takes_too_long_is_ended_at_the_next_look() -> None:
    with pytest.raises(TimeoutError):
        within(0.01, lambda: asyncio.sleep(60.0))


def test_each_has_a_limit_of_its_own() -> None:
    ended: list[str] = []

    async def run() -> None:
        limits = TimeLimits()

        async def work(name: str, limit_s: float) -> None:
            try:
                with limits.within(limit_s):
                    await asyncio.sleep(3 * TICK_S)
            except TimeoutError:
                ended.append(name)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work("long", 60.0))
            tasks.create_task(work("short", 0.01))

    asyncio.run(run())

    assert ended == ["short"]


def test_whoever_cancels_the_task_is_not_taken_for_the_limit() -> None:
    async def run() -> None:
        async def work() -> None:
            with TimeLimits().within(60.0):
                await asyncio.sleep(60.0)

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_another_error_passes_as_it_is() -> None:
    async def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        within(60.0, fail)
