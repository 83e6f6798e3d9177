"""Labels on their way to the store: bounded, each with a promise of what became of it."""

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass

MAX_WAITING = 1_000
"""Labels that wait at most; more are refused at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What somebody says of a request's answer."""

    request_id: str
    score: float
    """In [0, 1]; under 0.5 the answer was not acceptable."""
    source: str
    """Who says so: `feedback`."""
    of_key: str | None = None
    """Only a request that came with the API key of this name is labelled; None: any."""
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLabel:
    """A label in the queue."""

    label: Label
    n_observed: int
    """Outcomes observed before it: it is written once they are, so that a request of a moment ago is found."""
    found: Future[bool]
    """Whether there is such a request."""


class LabelQueue:
    """Filled by the event loop, emptied by the recorder's thread."""

    def __init__(self, size: int = MAX_WAITING) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._waiting: deque[WaitingLabel] = deque()

    def put(self, label: Label, *, n_observed: int) -> Future[bool] | None:
        """Take a label; None if too many are waiting."""
        found: Future[bool] = Future()
        with self._lock:
            if len(self._waiting) >= self._size:
                return None
            self._waiting.append(WaitingLabel(label=label, n_observed=n_observed, found=found))
        return found

    def take(self, *, n_settled: int) -> list[WaitingLabel]:
        """Those whose outcomes before them are settled; whoever waited for them and gave up is left out."""
        ready: list[WaitingLabel] = []
        with self._lock:
            while self._waiting and self._waiting[0].n_observed <= n_settled:
                ready.append(self._waiting.popleft())
        return [waiting for waiting in ready if waiting.found.set_running_or_notify_cancel()]

    def refuse_all(self, error: Exception) -> None:
        """Tell all that still wait why their labels are not kept."""
        with self._lock:
            left = list(self._waiting)
            self._waiting.clear()
        for waiting in left:
            if waiting.found.set_running_or_notify_cancel():
                waiting.found.set_exception(error)
