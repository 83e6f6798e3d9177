"""A fixed number of places with a bounded queue before them: how a model server takes requests."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Slots:
    """First come, first served. A place is never lost, however a waiter is cancelled."""

    def __init__(self, n: int, *, max_waiting: int) -> None:
        self.max_waiting = max_waiting
        self.n_entered = 0
        """Places given out so far."""
        self._n = n
        self._free = n
        self._waiters: deque[asyncio.Future[None]] = deque()

    @property
    def n(self) -> int:
        """How many places there are."""
        return self._n

    @property
    def n_taken(self) -> int:
        """Places in use."""
        return self._n - self._free

    @property
    def n_waiting(self) -> int:
        """Waiters in the queue."""
        return len(self._waiters)

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None, None]:
        """Wait for a place and keep it while the context is open.

        Raises:
            asyncio.QueueFull: All places are taken and the queue is full.
        """
        await self._acquire()
        self.n_entered += 1
        try:
            yield
        finally:
            self._release()

    async def _acquire(self) -> None:
        if self._free:
            self._free -= 1
            return
        if len(self._waiters) >= self.max_waiting:
            raise asyncio.QueueFull
        place = asyncio.get_running_loop().create_future()
        self._waiters.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                # The place was handed over in the same turn of the loop: pass it on.
                self._release()
            elif place in self._waiters:
                self._waiters.remove(place)
            raise

    def _release(self) -> None:
        while self._waiters:
            place = self._waiters.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
