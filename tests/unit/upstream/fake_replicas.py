"""Replicas without servers, and a clock that stands still."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from suffice.errors import UpstreamBusyError, UpstreamError
from suffice.upstream.call import Call, Exchange
from suffice.upstream.config import QueueConfig, UpstreamConfig
from suffice.upstream.health import Health
from suffice.upstream.pool import Pool
from suffice.upstream.queue import Queue
from suffice.upstream.replica import UNLIMITED, Replica
from suffice.vocabulary import Priority

Failure = Callable[[], UpstreamError]


@dataclass
class FakeTime:
    """A clock that moves only when somebody sleeps, or is told to."""

    now: float = 100.0
    naps: list[float] = field(default_factory=list[float])

    def clock(self) -> float:
        return self.now

    async def sleep(self, delay_s: float) -> None:
        self.naps.append(delay_s)
        self.now += delay_s


@dataclass
class FakeSender:
    """Fails as often as it is told to, then answers; takes a moment of the fake clock for either."""

    base_url: str
    time: FakeTime
    errors: list[Failure] = field(default_factory=list[Failure])
    takes_s: float = 0.125
    gate: asyncio.Event | None = None
    """Answers wait for it, where there is one."""
    n_calls: int = 0
    n_closed: int = 0
    probes: list[int | UpstreamError] = field(default_factory=list[int | UpstreamError])
    """What checks get; 200 when there is nothing left."""
    n_probes: int = 0

    async def send(self, call: Call) -> Exchange:
        self.n_calls += 1
        started_at = self.time.now
        if self.gate is not None:
            await self.gate.wait()
        self.time.now += self.takes_s
        if self.errors:
            make_error = self.errors.pop(0)
            raise make_error()
        return Exchange(
            status=200,
            content_type="text/event-stream",
            replica=self.base_url,
            started_at=started_at,
            chunks=_nothing() if call.stream else None,
            end=self._count_end,
        )

    async def probe(self, path: str, timeout_s: float) -> int:
        self.n_probes += 1
        answer = self.probes.pop(0) if self.probes else 200
        if isinstance(answer, UpstreamError):
            raise answer
        return answer

    def _count_end(self) -> None:
        self.n_closed += 1


async def _nothing() -> AsyncIterator[bytes]:
    for chunk in ():
        yield chunk


class Fleet:
    """A pool over fake senders, called by the letters of its name."""

    def __init__(
        self,
        names: str,
        *,
        config: UpstreamConfig | None = None,
        slots: int = UNLIMITED,
        queue: QueueConfig | None = None,
        draw: Callable[[], float] = lambda: 0.0,
        **errors: list[Failure],
    ) -> None:
        self.time = FakeTime()
        self.config = config or UpstreamConfig(retries=2, backoff_s=0.1)
        self.senders = {name: FakeSender(name, self.time, errors.get(name, [])) for name in names}
        self.replicas = {
            name: Replica(sender, Health(self.config.ejection, self.config.checks), slots)
            for name, sender in self.senders.items()
        }
        self.pool = Pool(
            list(self.replicas.values()),
            self.config,
            Queue("small", queue or QueueConfig(), clock=self.time.clock),
            draw=draw,
            clock=self.time.clock,
            sleep=self.time.sleep,
        )

    def ask(self, session: str | None = None, **fields: Any) -> Exchange:
        """Make one call and end it."""

        async def run() -> Exchange:
            async with self.pool.open(call(session, **fields)) as exchange:
                return exchange

        return asyncio.run(run())

    def answered_by(self, n: int, session: str | None = None) -> list[str]:
        """Who answers n calls, one after the other."""
        return [self.ask(session).replica for _ in range(n)]

    def home_of(self, name: str) -> str:
        """A session whose own replica is this one."""
        sessions = (f"session-{number}" for number in range(1_000))
        return next(each for each in sessions if self.ask(each).replica == name)

    def assert_at_rest(self) -> None:
        """No place is held, and nobody waits."""
        assert [replica.in_flight for replica in self.replicas.values()] == [0] * len(self.replicas)
        assert (self.pool.n_in_flight, self.pool.queue.n_waiting) == (0, 0)


def call(session: str | None = None, *, priority: Priority = Priority.NORMAL, stream: bool = True) -> Call:
    """A streamed call, which holds its place until it is left; a plain one only until its answer is there."""
    return Call(path="/chat/completions", body=b"{}", stream=stream, session=session, priority=priority)


def down() -> UpstreamError:
    return UpstreamError("down")


def busy(retry_after_s: float = 1.0) -> Failure:
    def fail() -> UpstreamError:
        error = UpstreamBusyError("busy", retry_after_s=retry_after_s)
        error.answered = 429
        return error

    return fail


def unknown_model() -> UpstreamError:
    error = UpstreamError("the model `sql-lora` does not exist")
    error.answered = 404
    return error


async def settle() -> None:
    """Let every task that can run do so: each step of these tests takes fewer turns of the loop than this."""
    for _ in range(20):
        await asyncio.sleep(0)
