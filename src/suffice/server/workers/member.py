"""A worker's records: they go to the supervisor, which has the store."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

import msgspec

from suffice.errors import ChannelError, RecordingError
from suffice.recording.backlog import MAX_CONTENT, RecorderCounts, content_of
from suffice.recording.labels import MAX_WAITING, Label
from suffice.server.workers.channel import Channel
from suffice.server.workers.orders import LABEL, RECORDS
from suffice.vocabulary import Outcome

logger = logging.getLogger("suffice.workers")

BATCH = 256
BATCH_CONTENT = 4 * 1024 * 1024
"""Characters of prompts and answers in a batch: encoding it must not hold up the requests that run."""
LINGER_S = 0.05

_OUTCOMES = msgspec.msgpack.Encoder()


class RemoteRecorder:
    """Hands outcomes to the process that writes them; what cannot be handed over is dropped and counted.

    An outcome counts as queued until the writer has said that it has it.
    """

    def __init__(self, channel: Channel, *, queue_size: int) -> None:
        """Take the way to the writer.

        Args:
            channel: To the supervisor.
            queue_size: Outcomes that wait at most.
        """
        self._channel = channel
        self._queue_size = queue_size
        self._waiting: deque[Outcome] = deque()
        self._content = 0
        self._n_under_way = 0
        self._n_dropped = 0
        self._has_some = asyncio.Event()
        self._handing_over = asyncio.Lock()
        self._labelling: set[asyncio.Task[None]] = set()

    @property
    def counts(self) -> RecorderCounts:
        """What became of the outcomes here; the writer's own process counts what became of those that it got."""
        return RecorderCounts(dropped=self._n_dropped, queued=len(self._waiting) + self._n_under_way)

    def observe(self, outcome: Outcome) -> None:
        """Take an outcome; never waits."""
        size = content_of(outcome)
        if len(self._waiting) >= self._queue_size or self._content + size > MAX_CONTENT:
            self._drop(1, "too many are waiting")
            return
        self._waiting.append(outcome)
        self._content += size
        if not self._has_some.is_set():
            self._has_some.set()

    def label(self, label: Label) -> Future[bool] | None:
        """Hand a label over, after all outcomes before it; see `Recorder.label`."""
        if len(self._labelling) >= MAX_WAITING:
            return None
        found: Future[bool] = Future()
        task = asyncio.get_running_loop().create_task(self._label(label, found))
        self._labelling.add(task)
        task.add_done_callback(self._labelling.discard)
        return found

    async def run(self) -> None:
        """Hand over what waits, batch by batch, until cancelled."""
        while True:
            await self._has_some.wait()
            await asyncio.sleep(LINGER_S)
            self._has_some.clear()
            await self.flush()

    async def flush(self) -> None:
        """Hand over all that waits."""
        async with self._handing_over:
            while self._waiting:
                await self._hand_over(self._take_batch())

    def _take_batch(self) -> list[Outcome]:
        """The oldest that wait, as many as may go together; at least one."""
        batch: list[Outcome] = []
        content = 0
        while self._waiting and len(batch) < BATCH and content < BATCH_CONTENT:
            outcome = self._waiting.popleft()
            batch.append(outcome)
            content += content_of(outcome)
        self._content -= content
        return batch

    async def close(self, timeout_s: float) -> None:
        """Hand over what is left, now that nothing more comes.

        Args:
            timeout_s: What has not been handed over by then is dropped.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self.flush()
        except TimeoutError:
            self._drop(len(self._waiting), f"the supervisor did not take them within {timeout_s:g} s")
            self._waiting.clear()
        if self._n_dropped:
            logger.error("%d records of this worker are lost", self._n_dropped)

    async def _hand_over(self, batch: Sequence[Outcome]) -> None:
        encoded, n = _encode(batch)
        if n < len(batch):
            self._drop(len(batch) - n, "they hold what cannot be written")
        self._n_under_way = n
        try:
            await self._channel.ask(RECORDS, encoded)
        except ChannelError as error:
            self._drop(n, str(error))
        except asyncio.CancelledError:
            self._drop(n, "there is no time to wait until they are taken")
            raise
        finally:
            self._n_under_way = 0

    def _drop(self, n: int, why: str) -> None:
        if not self._n_dropped:
            logger.warning("records are dropped: %s", why)
        self._n_dropped += n

    async def _label(self, label: Label, found: Future[bool]) -> None:
        await self.flush()
        try:
            answer = await self._channel.ask(LABEL, msgspec.msgpack.encode(label))
        except ChannelError as error:
            if found.set_running_or_notify_cancel():
                found.set_exception(RecordingError(str(error)))
            return
        if found.set_running_or_notify_cancel():
            found.set_result(msgspec.msgpack.decode(answer, type=bool))


def _encode(batch: Sequence[Outcome]) -> tuple[bytes, int]:
    """A batch as it is sent, and how many are in it: one odd value must not cost all others."""
    try:
        return _OUTCOMES.encode(batch), len(batch)
    except (ValueError, OverflowError, TypeError):
        good = [outcome for outcome in batch if _is_encodable(outcome)]
        return _OUTCOMES.encode(good), len(good)


def _is_encodable(outcome: Outcome) -> bool:
    try:
        _OUTCOMES.encode(outcome)
    except (ValueError, OverflowError, TypeError):
        return False
    return True
