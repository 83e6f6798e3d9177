"""One kept connection to a server: a request goes out, an answer comes back, then the next one.

Llhttp reads the answers. A stream's bytes are either asked for or pushed on as they come, whichever its reader likes; a
reader that does not keep up holds the server back.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

from suffice.errors import UpstreamBrokenError, UpstreamError, UpstreamTimeoutError
from suffice.upstream.call import Drain, PumpedStream, Take
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.deadline import Deadline

MAX_ANSWER_BYTES = 64 * 1024 * 1024
KEPT_S = 60.0
"""Time after which an idle connection is closed."""

_MAX_HEAD_BYTES = 64 * 1024
_HIGH_BYTES = 256 * 1024
"""Of a stream that nobody asks for more of: from here on the server is held back."""

_CLOSED = httptools.HttpResponseParser(object())
_FRAMED = frozenset({b"content-length", b"transfer-encoding"})


class Connection(asyncio.Protocol, PumpedStream):
    """A connection, and the answer that comes on it."""

    def __init__(self, name: str, config: UpstreamConfig, on_lost: Callable[["Connection"], None]) -> None:
        """Take what all connections to a server share.

        Args:
            name: What errors call the server.
            config: Its limits.
            on_lost: Told once the connection is gone.
        """
        self._name = name
        self._config = config
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._deadline = Deadline(self._loop)
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[None] | None = None
        self._take: Take | None = None
        self._is_asked = False
        self._is_held_back = False
        self._failure: Exception | None = None
        self._is_spoilt = False
        self._begin(wants_stream=False)

    def _begin(self, *, wants_stream: bool) -> None:
        self.status = 0
        self.content_type = "application/json"
        self.retry_after: str | None = None
        self.is_whole = False
        """The answer came to its end."""
        self.is_stream = False
        """The answer is a stream of events, and was asked for as one."""
        self._has_answered = False
        """A first byte of the answer came."""
        self._keeps = False
        """The server takes another request after it."""
        self._wants_stream = wants_stream
        self._is_framed = False
        self._n_head_bytes = 0
        self._in_head = True
        self._pieces: list[bytes] = []
        self._n_bytes = 0

    # Asking.

    async def ask(self, request: bytes, *, wants_stream: bool) -> None:
        """Send a request, and wait for the whole of a plain answer, or for the first bytes of a stream.

        Raises:
            UpstreamError: Nothing came in time, or nothing that can be read.
        """
        self._begin(wants_stream=wants_stream)
        self._is_asked = True
        self._transport.write(request)
        self._deadline.set(self._config.first_byte_timeout_s, self._expire_first)
        await self._wait()

    async def _wait(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        # What came before a failure is good: the failure is told when it is used up.
        if self._failure is not None and not (self.is_stream and self._pieces):
            raise self._failure

    @property
    def has_pieces(self) -> bool:
        """Bytes of the answer wait to be taken."""
        return bool(self._pieces)

    def body(self) -> bytes:
        """The whole of a plain answer."""
        pieces = self._pieces
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def __anext__(self) -> bytes:
        """What has come of the stream since the last time.

        Raises:
            UpstreamError: It broke.
        """
        if not self._pieces:
            if self.is_whole:
                raise StopAsyncIteration
            await self._wait()
            if not self._pieces:
                raise StopAsyncIteration
        return self._taken()

    async def pump(self, take: Take, drain: Drain) -> None:
        """See `PumpedStream.pump`."""
        self._take = take
        try:
            if self._pieces and not take(self._taken()):
                await drain()
            while not self.is_whole:
                self._go_on()
                await self._wait()
                if self._is_held_back:
                    await drain()
        finally:
            self._take = None

    def _taken(self) -> bytes:
        joined = b"".join(self._pieces)
        self._pieces.clear()
        self._n_bytes = 0
        self._go_on()
        return joined

    def _go_on(self) -> None:
        if self._is_held_back:
            self._is_held_back = False
            if not self._transport.is_closing():
                self._deadline.set(self._config.idle_timeout_s, self._expire)
                self._transport.resume_reading()

    def _hold_back(self) -> None:
        self._is_held_back = True
        self._deadline.clear()
        self._transport.pause_reading()

    def finish(self) -> bool:
        """End the call: at once, if its answer has no end yet; returns whether the connection can take another."""
        self._is_asked = False
        reusable = self.is_whole and self._keeps and self._failure is None and not self._is_spoilt
        if reusable and not self._transport.is_closing():
            self._deadline.set(KEPT_S, self.abort)
            return True
        self.abort()
        return False

    def abort(self) -> None:
        """Hang up."""
        self._deadline.end()
        self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        # Uvloop's transports are not subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        if not self._is_asked or self.is_whole:
            # What nobody asked for must never be taken for the next answer.
            self._is_spoilt = True
            self._transport.abort()
            return
        self._has_answered = True
        if self._in_head:
            self._n_head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._break("wants to speak another protocol")
        except httptools.HttpParserError as error:
            if self.is_whole:
                self._is_spoilt = True
                self._tell()
            else:
                self._pass_on()
                self._break(f"sent what is not HTTP: {error}")
        else:
            self._tell()

    def _tell(self) -> None:
        """Let whoever waits know of what came."""
        if self.is_stream:
            self._pass_on()
        elif self._n_bytes > MAX_ANSWER_BYTES:
            self._break(f"sent an answer over {MAX_ANSWER_BYTES} bytes")
        elif self.is_whole:
            self._wake()
        elif self._n_head_bytes > _MAX_HEAD_BYTES:
            self._break(f"sent a head over {_MAX_HEAD_BYTES} bytes")

    def _break(self, what: str) -> None:
        self._fail(UpstreamBrokenError(f"{self._name} {what}"))

    def eof_received(self) -> bool:
        """The server sends no more; `connection_lost` follows."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; an answer without a length ends so."""
        self._deadline.end()
        # It holds this connection: both would stay until the garbage collector comes.
        self._parser = _CLOSED
        self._on_lost(self)
        if not self._is_asked or self.is_whole:
            return
        if exc is None and not self._in_head and not self._is_framed:
            self.is_whole = True
            self._wake()
            return
        what = self._phase()
        said = f": {exc}" if exc is not None else ""
        if not self._has_answered:
            self._fail(UpstreamError(f"{self._name} cannot be reached: it closed the connection{said}"))
        else:
            self._fail(UpstreamBrokenError(f"{self._name} broke off in the middle of its {what}{said}"))

    def _pass_on(self) -> None:
        if not self.is_stream or not (self._pieces or self.is_whole):
            return
        self._deadline.set(self._config.idle_timeout_s, self._expire)
        if self._take is not None and self._pieces:
            try:
                keeps_up = self._take(self._taken())
            except Exception as error:  # noqa: BLE001 - it is for whoever pumps; here nobody but the event loop would get it
                self._fail(error)
                return
            if not keeps_up and not self.is_whole:
                self._hold_back()
                self._wake()
        elif self._n_bytes > _HIGH_BYTES and not self.is_whole:
            self._hold_back()
        if self.is_whole or (self._take is None and self._pieces):
            self._wake()

    # What llhttp calls.

    def on_message_begin(self) -> None:
        """An answer begins; there is one at a time."""
        if self.is_whole:
            raise UpstreamBrokenError(f"{self._name} sent a second answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take note of the few headers that matter."""
        name = name.lower()
        if name == b"content-type":
            self.content_type = value.decode("latin-1")
        elif name in _FRAMED:
            self._is_framed = True
        elif name == b"retry-after":
            self.retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self.status = self._parser.get_status_code()
        if self.status < 200:
            return
        self._in_head = False
        self._n_head_bytes = 0
        self.is_stream = self._wants_stream and self.status == 200 and "text/event-stream" in self.content_type

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._pieces.append(body)
        self._n_bytes += len(body)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was an interim one."""
        if self._in_head:
            self._begin(wants_stream=self._wants_stream)
            self._has_answered = True
        else:
            self.is_whole = True
            # Llhttp knows it only here: afterwards it has forgotten the head.
            self._keeps = self._parser.should_keep_alive()

    # Failing.

    def _expire_first(self) -> None:
        if self._in_head:
            what = "accept the request"
        else:
            what = "go on with its stream" if self.is_stream else "finish its answer"
        self._fail_late(what, self._config.first_byte_timeout_s)

    def _expire(self) -> None:
        self._fail_late("go on with its stream", self._config.idle_timeout_s)

    def _fail_late(self, what: str, limit_s: float) -> None:
        self._fail(UpstreamTimeoutError(f"{self._name} did not {what} within {limit_s:g} s"))

    def _fail(self, error: Exception) -> None:
        if self._failure is None:
            self._failure = error
        self.abort()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _phase(self) -> str:
        return "stream" if self.is_stream else "answer"
