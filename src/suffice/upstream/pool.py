"""The replicas of one tier: which is asked, and what happens when it fails before the first byte."""

import asyncio
import time
import zlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from suffice.errors import UpstreamError
from suffice.upstream.call import Call, Exchange, FailedTry
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.replica import Replica

MAX_BACKOFF_S = 2.0


class Pool:
    """Calls one tier."""

    def __init__(self, replicas: Sequence[Replica], config: UpstreamConfig, *, draw: Callable[[], float]) -> None:
        """Take the replicas of one tier.

        Args:
            replicas: At least one.
            config: Retries and pauses.
            draw: Uniform random numbers in [0, 1).
        """
        self.replicas = tuple(replicas)
        self._config = config
        self._draw = draw

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Exchange]:
        """Make the call on one replica, or another; see `pipeline.ports.Upstream.open`."""
        tries: list[FailedTry] = []
        async with AsyncExitStack() as stack:
            exchange = await self._open_any(call, stack, tries)
            exchange.tries = tries
            yield exchange

    async def _open_any(self, call: Call, stack: AsyncExitStack, tries: list[FailedTry]) -> Exchange:
        for n_failed in range(self._config.retries + 1):
            replica = self._choose(call, [failed.replica for failed in tries])
            started_at = time.monotonic()
            try:
                exchange = await stack.enter_async_context(replica.open(call))
            except UpstreamError as error:
                replica.failures += 1
                tries.append(_failed(replica, started_at, error))
                error.tries = tuple(tries)
                if n_failed == self._config.retries:
                    raise
                await self._pause(n_failed, error)
            else:
                replica.failures = 0
                return exchange
        raise AssertionError("unreachable: the last try returns or raises")

    def _choose(self, call: Call, tried: Sequence[str]) -> Replica:
        """The least busy replica among those that failed least; a session's own replica where it is no worse."""

        def badness(replica: Replica) -> tuple[int, int, int]:
            return tried.count(replica.base_url), min(replica.failures, 3), replica.in_flight

        best = min(map(badness, self.replicas))
        # A session stays on its replica, whose prefix cache knows it, while that one is at most a little busier.
        if call.session is not None:
            home = self.replicas[zlib.crc32(call.session.encode()) % len(self.replicas)]
            if badness(home)[:2] == best[:2] and home.in_flight <= 2 * best[2] + 4:
                return home
        equals = [replica for replica in self.replicas if badness(replica) == best]
        return equals[int(self._draw() * len(equals))]

    async def _pause(self, n_failed: int, error: UpstreamError) -> None:
        """Wait before the next try: exponential, full jitter, and no shorter than the upstream asked (within reason).

        Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog 2015.
        """
        n_fresh = sum(1 for replica in self.replicas if replica.failures == 0)
        if n_fresh and n_failed == 0:
            return  # an untried healthy replica need not be waited for
        longest = min(MAX_BACKOFF_S, 2 * self._config.backoff_s * 2**n_failed)
        asked = min(error.retry_after_s or 0.0, MAX_BACKOFF_S)
        await asyncio.sleep(max(asked, self._draw() * longest))


def _failed(replica: Replica, started_at: float, error: UpstreamError) -> FailedTry:
    return FailedTry(
        replica=replica.base_url,
        started_at=started_at,
        duration_s=time.monotonic() - started_at,
        code=error.code,
        status=error.answered,
    )
