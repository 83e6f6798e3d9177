"""The process above the workers: starts them again when they end, writes their records, passes on what concerns all."""

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from suffice.errors import ChannelError
from suffice.recording.labels import Label
from suffice.recording.recorder import Recorder
from suffice.server.workers.channel import Channel
from suffice.server.workers.member import LABEL, MODE, PAGE, PAGES, READY, RECORDS, SPREAD, Order
from suffice.telemetry import recorder_page
from suffice.vocabulary import Outcome

logger = logging.getLogger("suffice.workers")

_PAUSE_S = 0.2
_MAX_PAUSE_S = 10.0
_LONG_LIFE_S = 30.0
"""A worker that lived so long is started again at once when it ends."""
_ASK_S = 5.0

_OUTCOMES = msgspec.msgpack.Decoder(list[Outcome])
_LABEL = msgspec.msgpack.Decoder(Label)
_NOTHING = b""

Start = Callable[[int, int], Sequence[str]]
"""The command of a worker, by its number and the file descriptor of its channel."""


@dataclass(slots=True, eq=False)
class _Worker:
    number: int
    process: asyncio.subprocess.Process
    channel: Channel
    is_ready: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class Supervisor:
    """Keeps a number of workers running."""

    n_workers: int
    start: Start
    recorder: Recorder | None
    ready: Callable[[], None]
    """Called once, when every worker listens."""
    clock: Callable[[], float] = field(default_factory=lambda: asyncio.get_running_loop().time)
    _workers: dict[int, _Worker] = field(default_factory=dict[int, _Worker])
    _spawning: asyncio.Lock = field(default_factory=asyncio.Lock)
    _mode: bytes | None = None
    """The order that switched the mode last: a worker that is started later has to hear of it."""
    _is_stopping: bool = False
    _is_announced: bool = False

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT, then let the workers come to their end; a second signal ends it at once."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop)
        async with asyncio.TaskGroup() as tasks:
            for number in range(self.n_workers):
                tasks.create_task(self._keep(number))

    def _stop(self) -> None:
        name = signal.SIGKILL if self._is_stopping else signal.SIGTERM
        self._is_stopping = True
        for worker in list(self._workers.values()):
            with suppress(ProcessLookupError):
                worker.process.send_signal(name)

    async def _keep(self, number: int) -> None:
        """Start a worker again and again, the slower the sooner it ends."""
        pause_s = _PAUSE_S
        while not self._is_stopping:
            started_at = self.clock()
            code = await self._run_once(number)
            if self._is_stopping:
                return
            lived_s = self.clock() - started_at
            pause_s = _PAUSE_S if lived_s > _LONG_LIFE_S else min(_MAX_PAUSE_S, 2 * pause_s)
            logger.error("worker %d ended with %d after %.1f s; it is started again", number, code, lived_s)
            await asyncio.sleep(pause_s)

    async def _run_once(self, number: int) -> int:
        ours, theirs = socket.socketpair()
        # One after the other: a worker that inherited another one's end would keep it open for that one.
        async with self._spawning:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *self.start(number, theirs.fileno()), pass_fds=[theirs.fileno()], start_new_session=True
                )
        reader, writer = await asyncio.open_connection(sock=ours)
        channel = Channel(reader, writer, self._handlers(number))
        self._workers[number] = worker = _Worker(number, process, channel)
        if self._is_stopping:
            process.terminate()
        talking = asyncio.create_task(channel.run())
        try:
            code = await process.wait()
            await talking  # what it said last is still to be read
            return code
        finally:
            talking.cancel()
            if self._workers.get(number) is worker:
                del self._workers[number]

    def _handlers(self, number: int) -> dict[str, Callable[[bytes], Awaitable[bytes]]]:
        async def spread(body: bytes) -> bytes:
            if msgspec.msgpack.decode(body, type=Order).name == MODE:
                self._mode = body
            await self._ask_all(SPREAD, body, but=number)
            return _NOTHING

        async def ready(_: bytes) -> bytes:
            self._note_ready(number)
            return _NOTHING

        return {RECORDS: self._record, LABEL: self._label, PAGES: self._pages, SPREAD: spread, READY: ready}

    def _note_ready(self, number: int) -> None:
        worker = self._workers[number]
        worker.is_ready = True
        if self._mode is not None:
            worker.channel.tell(SPREAD, self._mode)
        ready = [worker for worker in self._workers.values() if worker.is_ready]
        if len(ready) == self.n_workers and not self._is_announced:
            self._is_announced = True
            self.ready()

    async def _record(self, body: bytes) -> bytes:
        if self.recorder is not None:
            for outcome in _OUTCOMES.decode(body):
                self.recorder.observe(outcome)
        return _NOTHING

    async def _label(self, body: bytes) -> bytes:
        promise = self.recorder.label(_LABEL.decode(body)) if self.recorder is not None else None
        if promise is None:
            raise ChannelError("too much feedback is waiting to be written")
        return msgspec.msgpack.encode(await asyncio.wrap_future(promise))

    async def _pages(self, _: bytes) -> bytes:
        pages = await self._ask_all(PAGE, _NOTHING)
        if self.recorder is not None:
            pages.append(recorder_page(self.recorder.counts))
        return msgspec.msgpack.encode(pages)

    async def _ask_all(self, kind: str, body: bytes, *, but: int | None = None) -> list[bytes]:
        """What the workers answer; one that does not is left out, and told of."""
        workers = [worker for worker in self._workers.values() if worker.number != but and worker.is_ready]
        answers: list[bytes] = []
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(self._ask(worker, kind, body)) for worker in workers]
        for task in asked:
            answer = task.result()
            if answer is not None:
                answers.append(answer)
        return answers

    async def _ask(self, worker: _Worker, kind: str, body: bytes) -> bytes | None:
        try:
            return await worker.channel.ask(kind, body, timeout_s=_ASK_S)
        except ChannelError as error:
            logger.warning("worker %d: %s", worker.number, error)
            return None
