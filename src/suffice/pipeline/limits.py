"""How long requests may take, looked at ten times a second for all of them: a timer for each would cost far more."""

import asyncio
from types import TracebackType

TICK_S = 0.1
"""How much later than its time a request may be ended."""


class TimeLimits:
    """The limits of the requests that run on one event loop."""

    def __init__(self) -> None:
        """Begin without any."""
        self._running: dict[Limit, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def within(self, limit_s: float) -> "Limit":
        """A context whose task is ended when it takes longer."""
        return Limit(self, limit_s)

    def start(self, limit: "Limit", limit_s: float) -> None:
        """Look after a limit."""
        loop = asyncio.get_running_loop()
        self._running[limit] = loop.time() + limit_s
        if self._timer is None:
            self._timer = loop.call_later(min(TICK_S, limit_s), self._tick, loop)

    def stop(self, limit: "Limit") -> None:
        """Forget a limit."""
        self._running.pop(limit, None)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for limit in [each for each, due in self._running.items() if due <= now]:
            del self._running[limit]
            limit.expire()
        self._timer = loop.call_later(TICK_S, self._tick, loop) if self._running else None


class Limit:
    """One context; it does what `asyncio.timeout` does, a little later."""

    __slots__ = ("_cancelling", "_is_over", "_limit_s", "_limits", "_task")

    def __init__(self, limits: TimeLimits, limit_s: float) -> None:
        """Say how long it may take."""
        self._limits = limits
        self._limit_s = limit_s
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._is_over = False

    def __enter__(self) -> None:
        """Begin."""
        self._task = task = asyncio.current_task()
        assert task is not None  # noqa: S101 - only a task can be ended
        self._cancelling = task.cancelling()
        self._limits.start(self, self._limit_s)

    def expire(self) -> None:
        """End the task."""
        self._is_over = True
        if self._task is not None:
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """End.

        Raises:
            TimeoutError: It took too long, and nothing else ended it.
        """
        self._limits.stop(self)
        task, self._task = self._task, None
        if (
            self._is_over
            and task is not None
            and task.uncancel() <= self._cancelling
            and kind is asyncio.CancelledError
        ):
            raise TimeoutError from error
