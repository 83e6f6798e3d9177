"""An upstream that plays a tape: the same port as a pool of servers, with recorded answers and recorded times."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

from suffice.errors import UpstreamBusyError
from suffice.upstream.call import Call, Exchange, FailedTry
from suffice.upstream.config import TapeConfig
from suffice.upstream.slots import Slots
from suffice.upstream.tape import load_tape
from suffice.upstream.tape_answers import TimedEvent, render_answer, render_events
from suffice.upstream.tape_request import Playable, Refusal, look_up
from suffice.vocabulary import HealthState, ReplicaState, TierName, TierState

Sleep = Callable[[float], Awaitable[None]]

_TICK_S = 0.001
"""Tokens due within this time go out together: a timer for each would cost more than the tokens."""


class RecordedUpstream:
    """Answers a tier's calls from a tape; each replica has a number of slots and a queue before them."""

    def __init__(
        self,
        tier: TierName,
        config: TapeConfig,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Load the tape.

        Raises:
            TapeError: No such model was recorded.
        """
        self._tier = tier
        self._tape = load_tape(config.model)
        self._speedup = config.speedup
        self._replicas = [Slots(config.slots, max_waiting=config.max_queue) for _ in range(config.replicas)]
        self._clock = clock
        self._sleep = sleep
        self._now = now
        self._n_answers = 0

    @property
    def replicas(self) -> tuple[Slots, ...]:
        """The places of each replica."""
        return tuple(self._replicas)

    def state(self) -> TierState:
        """How the tape's replicas are, and who waits for them."""
        return TierState(
            tier=self._tier,
            replicas=[
                ReplicaState(
                    replica=f"tape://{self._tape.model}/{index}",
                    health=HealthState.HEALTHY,
                    in_flight=slots.n_taken,
                    slots=slots.n,
                    n_calls=slots.n_entered,
                )
                for index, slots in enumerate(self._replicas)
            ],
            n_waiting=sum(slots.n_waiting for slots in self._replicas),
            max_waiting=sum(slots.max_waiting for slots in self._replicas),
        )

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Exchange, None]:
        """Play the answer; leaving the context frees its slot at once.

        Raises:
            UpstreamBusyError: Every slot is taken and the queue is full.
        """
        started_at = self._clock()
        found = look_up(call, self._tape)
        index = min(range(len(self._replicas)), key=self._load)
        replica = f"tape://{self._tape.model}/{index}"
        if isinstance(found, Refusal):
            yield Exchange(
                status=found.status,
                content_type="application/json",
                replica=replica,
                started_at=started_at,
                body=found.render(),
            )
            return
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._replicas[index].hold())
            except asyncio.QueueFull:
                raise self._busy(replica, started_at, self._replicas[index]) from None
            exchange = Exchange(status=200, content_type="application/json", replica=replica, started_at=started_at)
            yield await self._play(found, exchange)

    def _load(self, index: int) -> int:
        slots = self._replicas[index]
        return slots.n_taken + slots.n_waiting

    async def _play(self, playable: Playable, exchange: Exchange) -> Exchange:
        playback = _Playback(self._speedup, self._clock, self._sleep)
        self._n_answers += 1
        answer_id, created = f"chatcmpl-tape-{self._tier}-{self._n_answers}", int(self._now())
        if playable.request.stream:
            exchange.content_type = "text/event-stream"
            exchange.chunks = playback.play(render_events(playable, answer_id=answer_id, created=created))
            await playback.wait_until(playable.recording.ttft_s)
        else:
            await playback.wait_until(playable.recording.duration_s)
            exchange.body = render_answer(playable, answer_id=answer_id, created=created)
        return exchange

    def _busy(self, replica: str, started_at: float, slots: Slots) -> UpstreamBusyError:
        wait_s = self._tape.mean_duration_s / self._speedup * (slots.n_waiting + 1) / slots.n
        message = f"tier {self._tier!r}: {slots.n_waiting} requests wait for the tape's {slots.n} slots already"
        error = UpstreamBusyError(message, retry_after_s=wait_s)
        tried_s = self._clock() - started_at
        error.tries = (
            FailedTry(replica=replica, started_at=started_at, duration_s=tried_s, code=error.code, status=429),
        )
        return error


class _Playback:
    """The time of one answer, counted from the moment it got its slot."""

    def __init__(self, speedup: float, clock: Callable[[], float], sleep: Sleep) -> None:
        self._speedup = speedup
        self._clock = clock
        self._sleep = sleep
        self._started_at = clock()
        self._events: Iterator[TimedEvent] = iter(())
        self._next: TimedEvent | None = None

    def play(self, events: Iterator[TimedEvent]) -> "_Playback":
        self._events = events
        self._next = next(events, None)
        return self

    async def wait_until(self, due_s: float) -> None:
        """Wait for a moment of the recording."""
        delay_s = self._started_at + due_s / self._speedup - self._clock()
        if delay_s > 0:
            await self._sleep(delay_s)

    def __aiter__(self) -> "_Playback":
        return self

    async def __anext__(self) -> bytes:
        """The next events: those due by now or within a tick, as a server's socket would give them."""
        if self._next is None:
            raise StopAsyncIteration
        await self.wait_until(self._next.due_s)
        horizon_s = (self._clock() + _TICK_S - self._started_at) * self._speedup
        ready = [self._next.raw]
        self._next = next(self._events, None)
        while self._next is not None and self._next.due_s <= horizon_s:
            ready.append(self._next.raw)
            self._next = next(self._events, None)
        return b"".join(ready)
