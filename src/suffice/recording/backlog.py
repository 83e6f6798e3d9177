"""What waits to be written: bounded, counted, filled by the event loop and emptied by one thread."""

import threading
from collections import deque
from itertools import islice

import msgspec

from suffice.vocabulary import Outcome

MAX_CONTENT = 128 * 1024 * 1024
"""Characters of prompts and answers that wait at most; the number of outcomes alone would not bound memory."""


class RecorderCounts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of the outcomes observed so far; `written + dropped + queued` is all of them."""

    written: int = 0
    dropped: int = 0
    """Lost: too many were waiting, the record could not be stored, or recording had ended."""
    failed: int = 0
    """Transactions that failed; what was in them is tried again."""
    queued: int = 0


class Backlog:
    """A queue whose front stays in it until it is settled."""

    def __init__(self, size: int, *, batch_size: int) -> None:
        self._size = size
        self._batch_size = batch_size
        # The plain lock takes a third of the time of the one that a condition makes by itself.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queue: deque[Outcome] = deque()
        self._content = 0
        self._n_written = 0
        self._n_given_up = 0
        self._n_refused = 0
        self._n_failed = 0
        self._hurried = False
        self._closed = False

    @property
    def counts(self) -> RecorderCounts:
        """The state at one moment."""
        with self._changed:
            return RecorderCounts(
                written=self._n_written,
                dropped=self._n_refused + self._n_given_up,
                failed=self._n_failed,
                queued=len(self._queue),
            )

    @property
    def closed(self) -> bool:
        """Nothing more is taken."""
        return self._closed

    def put(self, outcome: Outcome) -> None:
        """Take an outcome, or count it as dropped; waits for nothing but a moment's lock."""
        size = content_of(outcome)
        with self._lock:
            if self._closed or len(self._queue) >= self._size or self._content + size > MAX_CONTENT:
                self._n_refused += 1
                return
            self._queue.append(outcome)
            self._content += size
            # The thread looks by itself soon; waking it for every outcome would cost more than queueing does.
            if len(self._queue) == self._batch_size:
                self._changed.notify_all()

    @property
    def n_observed(self) -> int:
        """Outcomes taken so far, settled or queued."""
        with self._changed:
            return self._n_settled() + len(self._queue)

    @property
    def n_settled(self) -> int:
        """Outcomes written or given up so far."""
        with self._changed:
            return self._n_settled()

    def hurry(self) -> None:
        """Wake the thread."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()

    def front(self) -> list[Outcome]:
        """The next batch, the oldest first; it stays queued."""
        with self._changed:
            return list(islice(self._queue, self._batch_size))

    def settle(self, n: int, *, written: bool) -> None:
        """Take the `n` oldest out, as written or as given up."""
        with self._changed:
            for _ in range(n):
                self._content -= content_of(self._queue.popleft())
            self._n_written += n if written else 0
            self._n_given_up += 0 if written else n
            self._changed.notify_all()

    def count_failure(self) -> None:
        """Count a failed transaction."""
        with self._changed:
            self._n_failed += 1

    def linger(self, timeout_s: float) -> None:
        """Wait for a full batch, for someone in a hurry, or for the end of `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._hurried or len(self._queue) >= self._batch_size, timeout_s)
            self._hurried = False

    def pause(self, timeout_s: float) -> None:
        """Wait for someone in a hurry, or for the end of `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._hurried, timeout_s)
            self._hurried = False

    def flush(self, timeout_s: float) -> bool:
        """Hurry the thread, and wait until all that is queued now is settled; returns whether it was in time."""
        with self._changed:
            target = self._n_settled() + len(self._queue)
            self._hurried = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._n_settled() >= target, timeout_s)

    def close(self) -> None:
        """Take nothing more, and hurry the thread."""
        with self._changed:
            self._closed = True
            self._hurried = True
            self._changed.notify_all()

    def _n_settled(self) -> int:
        return self._n_written + self._n_given_up


def content_of(outcome: Outcome) -> int:
    """Characters of prompt and answers that an outcome holds."""
    size = 0 if outcome.prompt is None else len(outcome.prompt)
    for attempt in outcome.attempts:
        if attempt.answer is not None:
            size += len(attempt.answer)
    return size
