"""Where calls wait for a place at a replica: bounded, by priority, and not longer than they have hope."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from enum import StrEnum

from suffice.errors import TierFullError
from suffice.upstream.config import QueueConfig
from suffice.upstream.replica import Replica
from suffice.vocabulary import Priority

_DRAIN_WEIGHT = 0.1
_FIRST_GUESS_S = 1.0
"""What a refused client is asked to wait where nothing is known yet."""

_Place = asyncio.Future[Replica]


class Shed(StrEnum):
    """Why a call was not served: a closed set."""

    FULL = "full"
    """The queue was full of calls that are no less important."""
    HOPELESS = "hopeless"
    """It would probably have waited longer than calls may."""
    DISPLACED = "displaced"
    """A call of higher priority took its place in the full queue."""
    LATE = "late"
    """It waited as long as calls may."""


class Queue:
    """The waiting calls of one tier: high priority before normal before low, first come first served within each.

    One queue for all replicas: a call takes the first place that comes free, whichever server it is at.
    """

    def __init__(self, tier: str, config: QueueConfig, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.tier = tier
        self.give_back: Callable[[Replica], None] = _keep
        """Takes a place that was handed to a call which was given up in the same moment; the pool's."""
        self.n_waiting = 0
        self.n_shed: Counter[tuple[str, Priority]] = Counter()
        self._config = config
        self._clock = clock
        self._lines: dict[Priority, deque[_Place]] = {priority: deque() for priority in Priority}
        self._drain_s: float | None = None
        self._drained_at = 0.0

    @property
    def max_waiting(self) -> int:
        """How many may wait."""
        return self._config.max_waiting

    @property
    def drain_s(self) -> float | None:
        """Mean time between two places that come free while calls wait; None: not known."""
        return self._drain_s

    async def wait(self, priority: Priority) -> Replica:
        """Wait for a replica with a place, which then is this call's.

        Raises:
            TierFullError: There is no place to wait, none in time, or a call of higher priority took it.
        """
        if self.n_waiting == 0:
            self._begin_to_measure()
        n_ahead = sum(len(line) for rank, line in self._lines.items() if rank <= priority)
        if n_ahead and self._expected_s(n_ahead) > self._config.timeout_s:
            raise self._refuse(Shed.HOPELESS, priority)
        if self.n_waiting >= self._config.max_waiting and not self._displace(priority):
            raise self._refuse(Shed.FULL, priority)
        place: _Place = asyncio.get_running_loop().create_future()
        line = self._lines[priority]
        line.append(place)
        self.n_waiting += 1
        try:
            async with asyncio.timeout(self._config.timeout_s):
                return await self._placed(place, line)
        except TimeoutError:
            raise self._refuse(Shed.LATE, priority) from None

    def hand_over(self, replica: Replica) -> bool:
        """Give a place at a replica to whoever is first; False: nobody waits."""
        for line in self._lines.values():
            while line:
                place = self._leave(line, 0)
                if not place.done():
                    place.set_result(replica)
                    return True
        return False

    def note_drain(self) -> None:
        """Take note that a place came free while calls wait."""
        now = self._clock()
        taken_s = now - self._drained_at
        self._drained_at = now
        known = self._drain_s
        self._drain_s = taken_s if known is None else known + _DRAIN_WEIGHT * (taken_s - known)

    def turn_away(self, make_error: Callable[[], Exception]) -> None:
        """Let nobody wait any longer: no replica is left to wait for."""
        for line in self._lines.values():
            while line:
                place = self._leave(line, 0)
                if not place.done():
                    place.set_exception(make_error())

    def _begin_to_measure(self) -> None:
        now = self._clock()
        if now - self._drained_at > self._config.timeout_s:
            self._drain_s = None  # of another time, when answers may have been longer
        self._drained_at = now

    async def _placed(self, place: _Place, line: deque[_Place]) -> Replica:
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                # The place was handed over in the same turn of the loop: pass it on.
                self.give_back(place.result())
            elif place in line:
                self._leave(line, line.index(place))
            raise

    def _displace(self, priority: Priority) -> bool:
        """Send away the last of those that are less important than this call."""
        for rank in reversed(Priority):
            line = self._lines[rank]
            while rank > priority and line:
                place = self._leave(line, -1)
                if not place.done():
                    place.set_exception(self._refuse(Shed.DISPLACED, rank))
                    return True
        return False

    def _leave(self, line: deque[_Place], index: int) -> _Place:
        place = line[index]
        del line[index]
        self.n_waiting -= 1
        return place

    def _expected_s(self, n_ahead: int) -> float:
        return 0.0 if self._drain_s is None else (n_ahead + 1) * self._drain_s

    def _refuse(self, why: Shed, priority: Priority) -> TierFullError:
        self.n_shed[why, priority] += 1
        said = {
            Shed.FULL: "and its queue is full",
            Shed.HOPELESS: "and its queue is too long to wait in",
            Shed.DISPLACED: "and a request of higher priority took the place in its queue",
            Shed.LATE: f"and none came free within {self._config.timeout_s:g} s",
        }[why]
        return TierFullError(
            f"every replica of tier {self.tier!r} is at its limit, {said} ({self.n_waiting} wait); "
            "send the request again later",
            retry_after_s=self._expected_s(self.n_waiting) or _FIRST_GUESS_S,
        )


def _keep(_: Replica) -> None:
    """Of a queue without a pool."""
