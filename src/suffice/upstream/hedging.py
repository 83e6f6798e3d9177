"""A second call where the first is late with its first byte; the one that loses is ended at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from suffice.errors import OutpacedError, UpstreamError
from suffice.upstream.call import Call, Exchange, FailedTry
from suffice.upstream.replica import Replica
from suffice.upstream.retrying import RetryBudget


class Stable(Protocol):
    """What a race needs of a pool."""

    budget: RetryBudget
    n_calls: int
    n_hedges: int

    @property
    def hedge_after_s(self) -> float | None:
        """How long the first call has before a second one is made."""
        ...

    def read_clock(self) -> float:
        """Monotonic, seconds."""
        ...

    def take_another(self, tried: Sequence[str]) -> Replica | None:
        """A place at another replica."""
        ...

    def give_up(self, replica: Replica) -> None:
        """Give a place back whose call came to nothing."""
        ...

    async def ask(self, replica: Replica, call: Call, started_at: float) -> Exchange:
        """Make a call where a place is held; gives the place back if that fails."""
        ...


@dataclass(slots=True)
class _Runner:
    """One of the calls of a race; a place is held at its replica."""

    replica: Replica
    started_at: float
    has_begun: bool = False

    async def run(self, pool: Stable, call: Call) -> Exchange:
        self.has_begun = True
        return await pool.ask(self.replica, call, self.started_at)


_Race = dict[asyncio.Task[Exchange], _Runner]


async def race(pool: Stable, replica: Replica, call: Call, started_at: float) -> tuple[Replica, Exchange]:
    """Make a call, and after a delay the same one on another replica; the first answer wins.

    Further calls are paid for from the retry budget, so that they cannot double the load of a tier that is slow as a
    whole. The other call is told of among the tries of the winner.

    Args:
        pool: Whose replicas race.
        replica: Asked first; a place is held there.
        call: What is asked.
        started_at: Now; monotonic clock, seconds.

    Raises:
        UpstreamError: No replica answered; carries the tries.

    Source:
        Dean & Barroso 2013, "The Tail at Scale", CACM 56(2): hedged requests.
    """
    racing: _Race = {}
    try:
        _enter(racing, _Runner(replica, started_at), pool, call)
        done, _ = await asyncio.wait(racing, timeout=pool.hedge_after_s)
        second = None if done else _find_second(pool, replica)
        if second is not None:
            _enter(racing, second, pool, call)
        first_home = await _first_home(racing)
        losers = [_describe(pool, task, runner) for task, runner in racing.items() if task is not first_home]
        error = first_home.exception()
        if isinstance(error, UpstreamError):
            error.tries = (*losers, *error.tries)
        exchange = first_home.result()
        exchange.tries = losers
        return racing.pop(first_home).replica, exchange
    finally:
        await _end(pool, racing)


def _enter(racing: _Race, runner: _Runner, pool: Stable, call: Call) -> None:
    racing[asyncio.create_task(runner.run(pool, call))] = runner


def _find_second(pool: Stable, first: Replica) -> _Runner | None:
    other = pool.take_another([first.base_url])
    if other is None:
        return None
    if other is first or not pool.budget.take(pool.n_calls):
        pool.give_up(other)
        return None
    pool.n_hedges += 1
    return _Runner(other, pool.read_clock())


async def _first_home(racing: _Race) -> asyncio.Task[Exchange]:
    """The first that has an answer; where none has, the last that failed."""
    pending = set(racing)
    while True:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        answered = next((task for task in done if task.exception() is None), None)
        if answered is not None or not pending:
            return answered or done.pop()


def _describe(pool: Stable, task: asyncio.Task[Exchange], runner: _Runner) -> FailedTry:
    error = task.exception() if task.done() else None
    if isinstance(error, UpstreamError):
        return next(each for each in error.tries if isinstance(each, FailedTry))
    taken_s = pool.read_clock() - runner.started_at
    # How long it would have taken is not known, only that it was longer.
    runner.replica.note_latency(max(taken_s, runner.replica.latency_s))
    return FailedTry(
        replica=runner.replica.base_url, started_at=runner.started_at, duration_s=taken_s, code=OutpacedError.code
    )


async def _end(pool: Stable, racing: _Race) -> None:
    """End every call that did not win, and give its place back."""
    for task in racing:
        task.cancel()
    if racing:
        await asyncio.wait(racing)
    for task, runner in racing.items():
        if not runner.has_begun:
            pool.give_up(runner.replica)
        elif not task.cancelled() and task.exception() is None:
            task.result().close()
            pool.give_up(runner.replica)
