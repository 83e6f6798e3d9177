"""The replicas of one tier: which is asked, and what happens when it fails before the first byte."""

import asyncio
import time
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus

from suffice.errors import UpstreamError
from suffice.upstream.call import Call, Exchange, FailedTry
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.replica import Replica

MAX_BACKOFF_S = 2.0
BENCH_S = 5.0
"""Time for which a replica is left out after a failure; doubles with each further one in a row."""
MAX_BENCH_S = 60.0


class Pool:
    """Calls one tier."""

    def __init__(
        self,
        replicas: Sequence[Replica],
        config: UpstreamConfig,
        *,
        draw: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Take the replicas of one tier.

        Args:
            replicas: At least one.
            config: Retries and pauses.
            draw: Uniform random numbers in [0, 1).
            clock: Monotonic, seconds.
            sleep: Waits between two tries.
        """
        self.replicas = tuple(replicas)
        self._config = config
        self._draw = draw
        self._clock = clock
        self._sleep = sleep

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Exchange]:
        """Make the call on one replica, or another; see `pipeline.ports.Upstream.open`."""
        tries: list[FailedTry] = []
        async with AsyncExitStack() as stack:
            exchange = await self._open_any(call, stack, tries)
            exchange.tries = tries
            yield exchange

    async def _open_any(self, call: Call, stack: AsyncExitStack, tries: list[FailedTry]) -> Exchange:
        while True:
            replica = self._choose(call, [failed.replica for failed in tries])
            started_at = self._clock()
            try:
                exchange = await stack.enter_async_context(replica.open(call))
            except UpstreamError as error:
                tries.append(self._note_failure(replica, started_at, error))
                error.tries = tuple(tries)
                if len(tries) > self._config.retries:
                    raise
                await self._pause(len(tries) - 1, error)
            else:
                replica.failures = 0
                return exchange

    def _choose(self, call: Call, tried: Sequence[str]) -> Replica:
        """The least busy replica among those that failed least; a session's own replica where it is no worse."""
        now = self._clock()
        best = min(_badness(replica, tried, now) for replica in self.replicas)
        chosen = self.replicas[zlib.crc32((call.session or "").encode()) % len(self.replicas)]
        # A session stays on its replica, whose prefix cache knows it, while that one is at most a little busier.
        is_home = call.session is not None and chosen.in_flight <= 2 * best[2] + 4
        if not is_home or _badness(chosen, tried, now)[:2] != best[:2]:
            equals = [replica for replica in self.replicas if _badness(replica, tried, now) == best]
            chosen = equals[int(self._draw() * len(equals))]
        if chosen.failures:
            # One request at a time finds out whether it is well again.
            chosen.benched_until = max(chosen.benched_until, now + BENCH_S)
        return chosen

    async def _pause(self, n_failed: int, error: UpstreamError) -> None:
        """Wait before the next try: exponential, full jitter, and no shorter than the upstream asked (within reason).

        Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog 2015.
        """
        n_fresh = sum(1 for replica in self.replicas if replica.failures == 0)
        if n_fresh and n_failed == 0:
            return  # an untried healthy replica need not be waited for
        longest = min(MAX_BACKOFF_S, 2 * self._config.backoff_s * 2**n_failed)
        asked = min(error.retry_after_s or 0.0, MAX_BACKOFF_S)
        await self._sleep(max(asked, self._draw() * longest))

    def _note_failure(self, replica: Replica, started_at: float, error: UpstreamError) -> FailedTry:
        now = self._clock()
        # A server that does not know a model, such as an adapter it has not loaded, is well for all others.
        if error.answered != HTTPStatus.NOT_FOUND:
            replica.benched_until = now + min(MAX_BENCH_S, BENCH_S * 2 ** min(replica.failures, 10))
            replica.failures += 1
        return FailedTry(
            replica=replica.base_url,
            started_at=started_at,
            duration_s=now - started_at,
            code=error.code,
            status=error.answered,
        )


def _badness(replica: Replica, tried: Sequence[str], now: float) -> tuple[int, int, int]:
    """What speaks against a replica: tried for this call already, failing of late, busy."""
    n_failures = min(replica.failures, 3) if now < replica.benched_until else 0
    return tried.count(replica.base_url), n_failures, replica.in_flight
