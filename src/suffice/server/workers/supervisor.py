"""The process above the workers: starts them again when they end, writes their records, passes on what concerns all."""

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from suffice.errors import ChannelError, WorkerError
from suffice.recording.labels import Label
from suffice.recording.recorder import Recorder
from suffice.server.workers.channel import Channel
from suffice.server.workers.orders import JOIN, LABEL, MODE, OBEY_S, PAGE, PAGES, READY, RECORDS, SPREAD, decode_order
from suffice.telemetry import keep_counts, recorder_page
from suffice.vocabulary import Outcome

logger = logging.getLogger("suffice.workers")

MAX_FAILED_STARTS = 3
"""Before the gateway has served at all; afterwards a worker is started again for as long as it takes."""

_PAUSE_S = 0.2
_MAX_PAUSE_S = 10.0
_LONG_LIFE_S = 30.0
"""A worker that lived so long is started again at once when it ends."""
_PAGE_S = 2.0
_LABEL_S = 5.0
_LAST_WORDS_S = 10.0
"""To handle what a worker said before it ended."""

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
    has_joined: bool = False
    """It is told what is spread."""
    is_ready: bool = False
    page: bytes = _NOTHING
    """Its metrics, when they were asked for last."""


@dataclass(slots=True, eq=False, kw_only=True)
class Supervisor:
    """Keeps a number of workers running."""

    n_workers: int
    start: Start
    recorder: Recorder | None
    ready: Callable[[], None]
    """Called once, when every worker listens."""
    stop_timeout_s: float
    """After SIGTERM; a worker that has not come to its end by then is killed."""
    pause_s: float = _PAUSE_S
    """Before a worker is started again the first time; doubles with each short life."""
    _workers: dict[int, _Worker] = field(default_factory=dict[int, _Worker])
    _spawning: asyncio.Lock = field(default_factory=asyncio.Lock)
    _spreading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _mode: bytes = _NOTHING
    """The order that switched the mode last: a worker that is started later has to hear of it."""
    _past: bytes = _NOTHING
    """What workers had counted that are no more; without it sums would fall when one ends."""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _n_signals: int = 0
    _is_announced: bool = False
    _failure: WorkerError | None = None

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT, then let the workers come to their end; more signals hurry them.

        Raises:
            WorkerError: A worker could not be started, before any request was served.
        """
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._take_signal)
        async with asyncio.TaskGroup() as tasks:
            killing = tasks.create_task(self._kill_late())
            await asyncio.wait([tasks.create_task(self._keep(number)) for number in range(self.n_workers)])
            killing.cancel()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Let the workers come to their end."""
        self._stopping.set()
        self._send(signal.SIGTERM)

    def _take_signal(self) -> None:
        """The first one ends what can wait; the second what runs, as each worker does it by itself; the third all."""
        self._n_signals += 1
        self._stopping.set()
        self._send(signal.SIGTERM if self._n_signals < 3 else signal.SIGKILL)

    def _send(self, name: signal.Signals) -> None:
        for worker in list(self._workers.values()):
            with suppress(ProcessLookupError):
                worker.process.send_signal(name)

    async def _kill_late(self) -> None:
        await self._stopping.wait()
        await asyncio.sleep(self.stop_timeout_s)
        for worker in self._workers.values():
            logger.error("worker %d did not end within %g s and is killed", worker.number, self.stop_timeout_s)
        self._send(signal.SIGKILL)

    async def _keep(self, number: int) -> None:
        """Start a worker again and again, the slower the sooner it ends."""
        clock = asyncio.get_running_loop().time
        pause_s, n_failed = self.pause_s, 0
        while not self._stopping.is_set():
            started_at = clock()
            was_ready, said = await self._run_once(number)
            if self._stopping.is_set():
                return
            lived_s = clock() - started_at
            n_failed = 0 if was_ready else n_failed + 1
            if n_failed == MAX_FAILED_STARTS and not self._is_announced:
                self._failure = WorkerError(f"worker {number} {said} before it listened, {n_failed} times in a row")
                self.stop()
                return
            if lived_s > _LONG_LIFE_S:
                pause_s = self.pause_s
            logger.error(
                "worker %d %s %s, after %.1f s; %d of %d serve, and it is started again in %.1f s",
                *(number, said, "while it served" if was_ready else "before it listened: its log tells why"),
                *(lived_s, self._n_ready, self.n_workers, pause_s),
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._stopping.wait()
            pause_s = min(_MAX_PAUSE_S, 2 * pause_s)

    async def _run_once(self, number: int) -> tuple[bool, str]:
        """Start a worker and wait for its end.

        Returns:
            Whether it ever listened, and how it ended.
        """
        try:
            worker = await self._spawn(number)
        except OSError as error:
            return False, f"could not be started ({error.strerror or error})"
        if worker is None:
            return False, "was not started"
        talking = asyncio.create_task(worker.channel.run())
        try:
            code = await worker.process.wait()
            await asyncio.wait([talking], timeout=_LAST_WORDS_S)
        finally:
            talking.cancel()
            del self._workers[number]
            if worker.page:
                self._past = keep_counts([page for page in (self._past, worker.page) if page])
        return worker.is_ready, f"was ended by signal {-code}" if code < 0 else f"ended with {code}"

    async def _spawn(self, number: int) -> _Worker | None:
        """A new process; None: it is too late for one.

        Raises:
            OSError: The system has no room for it.
        """
        # One after the other: a worker that inherited another one's end would keep it open for that one.
        async with self._spawning:
            if self._stopping.is_set():
                return None
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    process = await asyncio.create_subprocess_exec(
                        *self.start(number, theirs.fileno()), pass_fds=[theirs.fileno()], start_new_session=True
                    )
                except BaseException:
                    ours.close()
                    raise
        reader, writer = await asyncio.open_connection(sock=ours)
        worker = _Worker(number, process, Channel(reader, writer, self._handlers(number)))
        self._workers[number] = worker
        if self._stopping.is_set():
            with suppress(ProcessLookupError):
                process.terminate()
        return worker

    @property
    def _n_ready(self) -> int:
        return sum(worker.is_ready for worker in self._workers.values())

    def _handlers(self, number: int) -> dict[str, Callable[[bytes], Awaitable[bytes]]]:
        async def spread(body: bytes) -> bytes:
            await self._spread(body, by=number)
            return _NOTHING

        async def join(_: bytes) -> bytes:
            self._workers[number].has_joined = True
            return self._mode

        async def ready(_: bytes) -> bytes:
            self._note_ready(number)
            return _NOTHING

        return {
            RECORDS: self._record,
            LABEL: self._label,
            PAGES: self._pages,
            SPREAD: spread,
            JOIN: join,
            READY: ready,
        }

    def _note_ready(self, number: int) -> None:
        self._workers[number].is_ready = True
        if self._n_ready == self.n_workers and not self._is_announced:
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
        try:
            async with asyncio.timeout(_LABEL_S):
                return msgspec.msgpack.encode(await asyncio.wrap_future(promise))
        except TimeoutError as error:
            raise ChannelError(f"the label was not written within {_LABEL_S:g} s") from error

    async def _pages(self, _: bytes) -> bytes:
        """Everybody's metrics; of a worker that does not answer in time, those of the last time."""
        asked = [worker for worker in self._workers.values() if worker.has_joined]
        async with asyncio.TaskGroup() as tasks:
            for worker in asked:
                tasks.create_task(self._ask_page(worker))
        # Not those that were asked: what one counted that ended meanwhile stands in the past already.
        pages = [worker.page for worker in self._workers.values() if worker.page]
        if self._past:
            pages.append(self._past)
        if self.recorder is not None:
            pages.append(recorder_page(self.recorder.counts))
        return msgspec.msgpack.encode(pages)

    async def _ask_page(self, worker: _Worker) -> None:
        try:
            worker.page = await worker.channel.ask(PAGE, timeout_s=_PAGE_S)
        except ChannelError as error:
            logger.warning("worker %d tells no metrics: %s", worker.number, error)

    async def _spread(self, body: bytes, *, by: int) -> None:
        """Let the workers carry out an order.

        Raises:
            ChannelError: Some did not.
        """
        # One order after the other, so that of two that contradict each other all end up with the same.
        async with self._spreading:
            is_mode = decode_order(body).name == MODE
            if is_mode:
                self._mode = body
            # The one that spreads a mode hears of it as well: its own may have been overtaken by another's meanwhile.
            told = [each for each in self._workers.values() if each.has_joined and (is_mode or each.number != by)]
            async with asyncio.TaskGroup() as tasks:
                telling = [tasks.create_task(self._tell(worker, body)) for worker in told]
        refusals = [refusal for task in telling if (refusal := task.result())]
        if refusals:
            raise ChannelError(f"not all workers did so, send it again: {'; '.join(refusals)}")

    async def _tell(self, worker: _Worker, body: bytes) -> str:
        """Why a worker did not carry an order out."""
        try:
            await worker.channel.ask(SPREAD, body, timeout_s=OBEY_S)
        except ChannelError as error:
            # One that ended meanwhile takes it up when it is started again.
            is_there = self._workers.get(worker.number) is worker and worker.process.returncode is None
            return f"worker {worker.number}: {error}" if is_there else ""
        return ""
