"""A worker's side: what it records, and what it tells the others, goes through the supervisor."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

import msgspec

from suffice.errors import ChannelError, RecordingError
from suffice.recording.backlog import MAX_CONTENT, RecorderCounts, content_of
from suffice.recording.labels import Label
from suffice.server.workers.channel import Channel
from suffice.vocabulary import Outcome

logger = logging.getLogger("suffice.workers")

RECORDS, LABEL, COUNTS, PAGES, PAGE, SPREAD, READY = "records", "label", "counts", "pages", "page", "spread", "ready"
"""What is told and asked: a batch of outcomes, a label, the recorder's counts, everybody's metrics, one's own, an order
for all, that one listens."""

BATCH = 256
LINGER_S = 0.05

_OUTCOMES = msgspec.msgpack.Encoder()


class Order(msgspec.Struct):
    """What somebody told one worker and all must do."""

    name: str
    body: bytes = b""


class Team:
    """The other workers, as one of them sees them."""

    def __init__(self, channel: Channel) -> None:
        """Take the way to the supervisor."""
        self._channel = channel
        self._orders: dict[str, Callable[[bytes], Awaitable[None]]] = {}

    def on(self, name: str, act: Callable[[bytes], Awaitable[None]]) -> None:
        """Do something when another worker spreads an order of this name."""
        self._orders[name] = act

    async def obey(self, body: bytes) -> bytes:
        """Carry out what another worker spread."""
        order = msgspec.msgpack.decode(body, type=Order)
        act = self._orders.get(order.name)
        if act is not None:
            await act(order.body)
        return b""

    async def spread(self, name: str, body: bytes = b"") -> None:
        """Let all other workers do what was done here.

        Raises:
            ChannelError: They could not be told.
        """
        await self._channel.ask(SPREAD, msgspec.msgpack.encode(Order(name, body)))

    async def pages(self) -> list[bytes]:
        """Everybody's page of metrics.

        Raises:
            ChannelError: They could not be asked.
        """
        return msgspec.msgpack.decode(await self._channel.ask(PAGES), type=list[bytes])


class RemoteRecorder:
    """Hands outcomes to the process that writes them; what cannot be handed over is dropped and counted."""

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
        self._n_dropped = 0
        self._n_sent = 0
        self._has_some = asyncio.Event()

    @property
    def counts(self) -> RecorderCounts:
        """What became of the outcomes here; the writer's own process counts what became of those that it got."""
        return RecorderCounts(dropped=self._n_dropped, queued=len(self._waiting))

    def observe(self, outcome: Outcome) -> None:
        """Take an outcome; never waits."""
        size = content_of(outcome)
        if len(self._waiting) >= self._queue_size or self._content + size > MAX_CONTENT:
            self._n_dropped += 1
            return
        self._waiting.append(outcome)
        self._content += size
        if not self._has_some.is_set():
            self._has_some.set()

    def label(self, label: Label) -> Future[bool] | None:
        """Hand a label over, after all outcomes before it; see `Recorder.label`."""
        found: Future[bool] = Future()
        asyncio.get_running_loop().create_task(self._label(label, found))
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
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._content -= sum(map(content_of, batch))
            try:
                self._channel.tell(RECORDS, _OUTCOMES.encode(batch))
                await self._channel.drain()
            except (ChannelError, ConnectionError):
                self._n_dropped += len(batch)
                return

    async def _label(self, label: Label, found: Future[bool]) -> None:
        try:
            await self.flush()
            answer = await self._channel.ask(LABEL, msgspec.msgpack.encode(label))
            found.set_result(msgspec.msgpack.decode(answer, type=bool))
        except ChannelError as error:
            found.set_exception(RecordingError(str(error)))
