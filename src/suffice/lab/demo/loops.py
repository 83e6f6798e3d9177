"""Two ways to load a gateway: arrivals that do not wait for answers, and clients that do."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suffice.lab.demo.client import Reply
from suffice.lab.workload import Prompt

_WARM_UP_SHARE = 0.2


class Client(Protocol):
    """Whoever sends the prompts."""

    async def ask(self, prompt: Prompt, model: str) -> Reply:
        """Send a prompt to `model`; never raises for a failed request."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A prompt and the model it is sent to: `auto`, or a tier's name."""

    prompt: Prompt
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An assignment with what became of it."""

    prompt: Prompt
    reply: Reply
    latency_s: float
    """From the scheduled arrival, at the recorded speed."""


class Pace:
    """Time at the recorded speed: a tape that plays 20 times faster makes 20 s of every second."""

    def __init__(
        self,
        speedup: float,
        *,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._speedup = speedup
        self._clock = clock
        self._sleep = sleep
        self._started_at = clock()

    def elapsed_s(self) -> float:
        """Since this object was made."""
        return (self._clock() - self._started_at) * self._speedup

    async def wait_until(self, moment_s: float) -> None:
        """Wait until so much has elapsed."""
        delay_s = (moment_s - self.elapsed_s()) / self._speedup
        if delay_s > 0:
            await self._sleep(delay_s)


async def open_loop(
    client: Client,
    assignments: Sequence[Assignment],
    arrivals_s: NDArray[np.float64],
    pace: Pace,
    on_answer: Callable[[], None],
) -> list[Answered]:
    """Send each assignment at its time, whether or not earlier ones were answered.

    Latency counts from the scheduled time, so that a client that falls behind cannot hide a queue.

    Args:
        client: Sends the prompts.
        assignments: What to send, length n.
        arrivals_s: When, at the recorded speed, rising, shape (n,).
        pace: Its clock starts the schedule.
        on_answer: Called after each answer.
    """
    answered: list[Answered] = []

    async def send(assignment: Assignment, scheduled_s: float) -> None:
        reply = await client.ask(assignment.prompt, assignment.model)
        latency_s = pace.elapsed_s() - scheduled_s
        answered.append(Answered(prompt=assignment.prompt, reply=reply, latency_s=latency_s))
        on_answer()

    async with asyncio.TaskGroup() as group:
        for assignment, scheduled_s in zip(assignments, arrivals_s.tolist(), strict=True):
            await pace.wait_until(scheduled_s)
            group.create_task(send(assignment, scheduled_s))
    return answered


async def closed_loop(
    client: Client,
    assignments: Sequence[Assignment],
    *,
    concurrency: int,
    window_s: float,
    pace: Pace,
    on_progress: Callable[[float], None],
) -> float:
    """Keep `concurrency` clients busy for a while, each sending its next prompt when it has its answer.

    Only answers that come while all clients are busy are counted, after the first fifth of the window: the start,
    when all queues are empty, and the end, when they run dry, belong to neither.

    Args:
        client: Sends the prompts.
        assignments: What to send, over and over.
        concurrency: Clients.
        window_s: Length, at the recorded speed.
        pace: Its clock starts the window.
        on_progress: Called with the seconds elapsed after each answer.

    Returns:
        Successful answers per second, at the recorded speed.
    """
    queue: Iterator[Assignment] = cycle(assignments)
    warm_s = _WARM_UP_SHARE * window_s
    n_counted = 0

    async def work() -> None:
        nonlocal n_counted
        while pace.elapsed_s() < window_s:
            assignment = next(queue)
            reply = await client.ask(assignment.prompt, assignment.model)
            done_s = pace.elapsed_s()
            n_counted += reply.error is None and warm_s <= done_s < window_s
            on_progress(min(done_s, window_s))

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
    return n_counted / (window_s - warm_s)
