"""Messages between two processes: told, or asked and answered, over one socket."""

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from suffice.errors import ChannelError, SufficeError

logger = logging.getLogger("suffice.workers")

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
"""Above what a batch of records holds, contents and all."""

_LENGTH = struct.Struct("!I")

Handler = Callable[[bytes], Awaitable[bytes]]


class _Message(msgspec.Struct, array_like=True):
    kind: str
    body: bytes
    question: int = 0
    """Number of the question that this is, or answers; 0: it is told, and nobody waits."""
    is_answer: bool = False
    failed: bool = False
    """The body says why."""


_DECODER = msgspec.msgpack.Decoder(_Message)


class Channel:
    """One end. `run` must be running while it is used."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handlers: Mapping[str, Handler]
    ) -> None:
        """Take an open socket.

        Args:
            reader: What the other end says.
            writer: What it is told.
            handlers: What to do with each kind of message; what they return answers a question.
        """
        self._reader = reader
        self._writer = writer
        self._handlers = handlers
        self._n_asked = 0
        self._waiting: dict[int, asyncio.Future[bytes]] = {}

    async def run(self) -> None:
        """Read what the other end says, until it is gone; what it said before that is handled to its end."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while (message := await self._read()) is not None:
                    if message.is_answer:
                        self._take_answer(message)
                    else:
                        tasks.create_task(self._handle(message))
                # At once: what is still handled may itself wait for an answer from the other end.
                self._end()
        finally:
            self._end()

    def tell(self, kind: str, body: bytes = b"") -> None:
        """Say something that needs no answer."""
        self._write(_Message(kind, body))

    async def ask(self, kind: str, body: bytes = b"", *, timeout_s: float = 10.0) -> bytes:
        """Ask something.

        Args:
            kind: What the other end knows it by.
            body: The question.
            timeout_s: For the answer.

        Raises:
            ChannelError: The other end is gone, does not answer in time, or failed; or the question is too large.
        """
        self._n_asked += 1
        question = self._n_asked
        self._waiting[question] = waiter = asyncio.get_running_loop().create_future()
        try:
            self._write(_Message(kind, body, question))
            async with asyncio.timeout(timeout_s):
                return await waiter
        except TimeoutError as error:
            raise ChannelError(f"the other process did not answer {kind!r} within {timeout_s:g} s") from error
        finally:
            del self._waiting[question]

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    def _end(self) -> None:
        self._writer.close()
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(ChannelError("the other process is gone"))

    async def _read(self) -> _Message | None:
        """The next message; None: there is none any more."""
        try:
            (size,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            _check(size)
            return _DECODER.decode(await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        except (ChannelError, msgspec.DecodeError) as error:
            # Where the next message begins is not known any more.
            logger.error("the other process is hung up on: %s", error)  # noqa: TRY400 - the stack tells nothing
            return None

    def _write(self, message: _Message) -> None:
        if self._writer.is_closing():
            raise ChannelError("the other process is gone")
        encoded = msgspec.msgpack.encode(message)
        _check(len(encoded))
        self._writer.write(_LENGTH.pack(len(encoded)) + encoded)

    def _take_answer(self, message: _Message) -> None:
        waiter = self._waiting.get(message.question)
        if waiter is None or waiter.done():
            return
        if message.failed:
            waiter.set_exception(ChannelError(message.body.decode(errors="replace")))
        else:
            waiter.set_result(message.body)

    async def _handle(self, message: _Message) -> None:
        failed = False
        try:
            body = await self._handlers[message.kind](message.body)
        except SufficeError as error:
            body, failed = str(error).encode(), True
            if not message.question:
                logger.warning("%s", error)
        except Exception as error:  # a fault of one handler must not end the channel
            logger.exception("a message %r could not be handled", message.kind)
            body, failed = f"{type(error).__name__}: {error}".encode(errors="replace"), True
        if message.question and not self._writer.is_closing():
            self._write(_Message(message.kind, body, message.question, is_answer=True, failed=failed))


def _check(size: int) -> None:
    if size > MAX_MESSAGE_BYTES:
        raise ChannelError(f"a message of {size} bytes is over the limit of {MAX_MESSAGE_BYTES}")
