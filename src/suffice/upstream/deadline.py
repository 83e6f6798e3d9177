"""A deadline that is moved with every message, and hardly ever comes."""

import asyncio
from collections.abc import Callable

_EARLY_S = 0.002
"""An event loop counts in milliseconds, and may call that much too early."""


class Deadline:
    """Calls something once a moment has passed; to move it later costs no timer.

    The timer that runs is left alone: when it comes and the moment was moved meanwhile, it is set anew.
    """

    __slots__ = ("_armed_for", "_due", "_loop", "_then", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin without one."""
        self._loop = loop
        self._due = 0.0
        self._armed_for = 0.0
        self._then: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, after_s: float, then: Callable[[], None]) -> None:
        """Call `then` after so many seconds, in place of what was set before."""
        self._due = due = self._loop.time() + after_s
        self._then = then
        if self._timer is not None:
            if self._armed_for <= due:
                return
            self._timer.cancel()
        self._arm(due)

    def clear(self) -> None:
        """Call nothing."""
        self._then = None

    def end(self) -> None:
        """Call nothing any more, and let go of the timer."""
        self._then = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, due: float) -> None:
        self._armed_for = due
        self._timer = self._loop.call_at(due, self._fire)

    def _fire(self) -> None:
        self._timer = None
        then = self._then
        if then is None:
            return
        if self._due - self._loop.time() > _EARLY_S:
            self._arm(self._due)
            return
        self._then = None
        then()
