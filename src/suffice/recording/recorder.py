"""Takes outcomes off the request path, and writes them in a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from suffice.errors import RecordingError
from suffice.recording.backlog import Backlog, RecorderCounts
from suffice.recording.config import RecordingConfig
from suffice.recording.labels import Label, LabelQueue
from suffice.recording.writer import Retention, Writer
from suffice.vocabulary import Outcome

_BATCH_SIZE = 256
_LINGER_S = 0.1
_PRUNE_EVERY_S = 60.0
_LAST_TRANSACTIONS_S = 4.0
"""For the transactions under way at the deadline: each waits a second for another process's lock."""

_log = logging.getLogger("suffice.recording")


class Recorder:
    """Writes every outcome to the store. Trouble with the store costs records, never a request.

    An outcome waits as it is and becomes rows in the writing thread; nobody may change it after `observe`.
    """

    def __init__(
        self, config: RecordingConfig, folder: Path, *, clock: Callable[[], float] = time.time, retry_s: float = 1.0
    ) -> None:
        """Open the store and start the thread.

        Args:
            config: The `recording` section.
            folder: What a relative `config.path` is relative to.
            clock: Unix time, seconds; decides what is too old to keep.
            retry_s: Pause after a failed transaction.

        Raises:
            RecordingError: The store cannot be used.
        """
        self.path = folder / config.path
        retention = Retention(max_days=config.max_days, max_requests=config.max_requests)
        self._writer = Writer(self.path, retention, clock=clock)
        self._backlog = Backlog(config.queue_size, batch_size=_BATCH_SIZE)
        self._labels = LabelQueue()
        self._retry_s = retry_s
        self._deadline = float("inf")
        self._next_prune = 0.0
        self._n_drops_noted = 0
        self._n_drops_seen = 0
        self._is_failing = False
        self._is_dropping = False
        self._thread = threading.Thread(target=self._run, name="suffice-recorder", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> RecorderCounts:
        """What became of the outcomes observed so far."""
        return self._backlog.counts

    def observe(self, outcome: Outcome) -> None:
        """Queue an outcome, or count it as dropped; never waits for the store."""
        self._backlog.put(outcome)

    def label(self, label: Label) -> Future[bool] | None:
        """Queue a label, to be written after all that was observed before it.

        Returns:
            A promise of whether there is such a request, broken by a `RecordingError` where the store fails; None if
            too many labels are waiting.
        """
        found = self._labels.put(label, n_observed=self._backlog.n_observed)
        self._backlog.hurry()
        return found

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was observed so far is written or given up; returns whether it was in time."""
        return self._backlog.flush(timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Write what is queued, then stop; blocks, so an event loop calls it in a thread.

        Args:
            timeout_s: How long a failing store is tried again. What is left then is dropped and counted.

        Returns:
            Whether all that was queued is written.
        """
        n_dropped = self.counts.dropped
        self._deadline = min(self._deadline, time.monotonic() + timeout_s)
        self._backlog.close()
        self._thread.join(timeout_s + _LAST_TRANSACTIONS_S)
        counts = self.counts
        return counts.queued == 0 and counts.dropped == n_dropped

    def _run(self) -> None:
        while not (self._backlog.closed and self.counts.queued == 0):
            if self._store():
                self._store_labels()
                self._report_drops()
                self._prune_if_due()
                self._backlog.linger(_LINGER_S)
            elif time.monotonic() >= self._deadline:
                self._backlog.settle(self.counts.queued, written=False)
            else:
                self._backlog.pause(min(self._retry_s, max(0.0, self._deadline - time.monotonic())))
        self._store_labels()
        self._labels.refuse_all(RecordingError("recording has ended"))
        self._writer.close()

    def _store_labels(self) -> None:
        ready = self._labels.take(n_settled=self._backlog.n_settled)
        if not ready:
            return
        try:
            found = self._writer.label([waiting.label for waiting in ready])
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told; the thread goes on
            for waiting in ready:
                waiting.found.set_exception(error)
            return
        for waiting, is_found in zip(ready, found, strict=True):
            waiting.found.set_result(is_found)

    def _store(self) -> bool:
        """Write the front of the backlog; False if the store failed."""
        batch = self._backlog.front()
        if not batch:
            return True
        try:
            self._write(batch)
        except RecordingError as error:
            self._note_failure(error)
            return False
        except Exception:  # noqa: BLE001 - one outcome with an odd value must not hold up all others
            return self._store_one_by_one(batch)
        return True

    def _store_one_by_one(self, batch: Sequence[Outcome]) -> bool:
        for outcome in batch:
            try:
                self._write([outcome])
            except RecordingError as error:
                self._note_failure(error)
                return False
            except Exception:  # noqa: BLE001 - as above
                self._backlog.settle(1, written=False)
                _log.exception("request %r cannot be recorded and is dropped", outcome.request_id)
        return True

    def _write(self, batch: Sequence[Outcome]) -> None:
        n_dropped = self.counts.dropped
        self._writer.write(batch, n_dropped=n_dropped - self._n_drops_noted)
        self._n_drops_noted = n_dropped
        if self._is_failing:
            self._is_failing = False
            _log.info("records are written to %s again; %d lost so far", self.path, n_dropped)
        self._backlog.settle(len(batch), written=True)

    def _prune_if_due(self) -> None:
        if self._backlog.closed or time.monotonic() < self._next_prune:
            return
        self._next_prune = time.monotonic() + _PRUNE_EVERY_S
        try:
            if self._writer.prune():
                self._next_prune = 0.0
        except RecordingError as error:
            self._note_failure(error)

    def _note_failure(self, error: RecordingError) -> None:
        self._backlog.count_failure()
        if not self._is_failing:
            self._is_failing = True
            _log.error("records cannot be written and wait for the store: %s", error)

    def _report_drops(self) -> None:
        counts = self.counts
        more = counts.dropped > self._n_drops_seen
        self._n_drops_seen = counts.dropped
        if more and not self._is_dropping:
            self._is_dropping = True
            _log.warning("records are dropped, %d so far: too many are waiting", counts.dropped)
        elif self._is_dropping and not more and counts.queued < _BATCH_SIZE:
            self._is_dropping = False
            _log.info("no records are dropped any more; %d lost so far", counts.dropped)
