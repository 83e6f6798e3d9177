"""One client connection: its requests are answered one after the other, each by a task of its own.

What comes while one is answered waits unread, and a client that sends far ahead is held back; a client that hangs up
cancels what runs for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from suffice.errors import RequestError, RequestTimeoutError
from suffice.server.config import ServerConfig
from suffice.server.half_closed import HalfClosed
from suffice.server.http import Request, Responder
from suffice.server.outlet import ResponseOutlet
from suffice.server.parsing import Incoming, RequestReader
from suffice.server.response import encode_head
from suffice.upstream.deadline import Deadline
from suffice.wire.errors import render

LINGER_S = 2.0
"""Time in which a client that was refused amid its request can read why."""

_MAX_UNREAD = 64 * 1024
"""Bytes that a client may be ahead. Below it is read from, because who is not read from cannot be seen to hang up."""

_CLOSING = {"content-type": "application/json", "connection": "close"}

_MAX_SKIPPED = 256 * 1024
"""Bytes of a body that nobody wanted which are read all the same, to keep the connection."""

Serve = Callable[[Request, Responder], Awaitable[None]]


class Connection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, serve: Serve, limits: ServerConfig, peers: "Peers") -> None:
        """Take what all connections of a server share.

        Args:
            serve: Answers one request; raises nothing but what cancels it.
            limits: Sizes and times.
            peers: The server's connections, this one among them until all is over.
        """
        self._serve = serve
        self._limits = limits
        self._peers = peers
        self._loop = asyncio.get_running_loop()
        self._deadline = Deadline(self._loop)
        self._reader = RequestReader(limits, begin=self._await_head)
        self._transport: asyncio.Transport
        self._current: Incoming | None = None
        self._skipped: Incoming | None = None
        self._outlet: ResponseOutlet | None = None
        self._half_closed: HalfClosed | None = None
        self._task: asyncio.Task[None] | None = None
        self._unread: list[bytes] = []
        self._n_unread = 0
        self._refusal: RequestError | None = None
        self._drained: asyncio.Future[None] | None = None
        self._is_lost = False
        self.is_last = False
        """No further request is taken."""

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, unless there are too many."""
        # Uvloop's transports are not subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        if not self._peers.join(self, limit=self._limits.max_connections):
            self.abort()
            return
        self._deadline.set(self._limits.idle_timeout_s, self.close)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client is gone: nobody waits for an answer."""
        self._is_lost = True
        if self._half_closed is not None:
            self._half_closed.close()
        self._deadline.end()
        self._reader.close()
        self.resume_writing()
        if self._task is None:
            self._peers.leave(self)
        else:
            self._task.cancel()

    def eof_received(self) -> bool:
        """The client sends no more; stay open for one that waits for its answer."""
        current = self._current
        # Behind another response, or within its own, the probe would be read as part of it.
        waits = current is not None and current.request.upload.is_whole and not current.is_old
        has_begun = self._outlet is not None and self._outlet.has_begun
        is_tls = self._transport.get_extra_info("sslcontext") is not None
        if not waits or has_begun or is_tls or self._reader.heads or self._unread:
            return False
        self.is_last = True
        self._half_closed = HalfClosed(self._transport, self._loop)
        return True

    def pause_writing(self) -> None:
        """The client is slower than what comes for it."""
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """The client has caught up, or will never."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Read what came, unless a whole request has to be answered first."""
        if self._refusal is not None or (self.is_last and self._current is None):
            return  # what a client sends on after a refusal, or too late, is thrown away
        if self._current is not None and self._reader.unfinished is not self._current:
            self._unread.append(data)
            self._n_unread += len(data)
            if self._n_unread >= _MAX_UNREAD:
                self._transport.pause_reading()
            return
        self._read(data)

    # Reading and answering, in turns.

    def _read(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
        except RequestError as error:
            self._refuse(error)
        if self._skipped is not None:
            self._skip(self._skipped)
        if self._current is None and self._reader.heads:
            self._begin(self._reader.heads.popleft())

    def _skip(self, answered: Incoming) -> None:
        """Read the rest of a body that nobody wanted, so that the next request can be told from it."""
        upload = answered.request.upload
        if upload.is_whole:
            self._skipped = None
            self._deadline.set(self._limits.idle_timeout_s, self.close)
        elif upload.n_bytes > _MAX_SKIPPED:
            self.close(linger=True)

    def _begin(self, incoming: Incoming) -> None:
        self._current = incoming
        self._deadline.clear()
        self._task = self._loop.create_task(self._answer(incoming))

    async def _answer(self, incoming: Incoming) -> None:
        self._outlet = outlet = ResponseOutlet(self, incoming)
        if incoming.request.headers.get("expect", "").lower() == "100-continue" and not incoming.is_old:
            incoming.request.upload.expect = outlet.tell_to_continue
        try:
            await self._serve(incoming.request, Responder(outlet))
        except BaseException:
            # Nobody knows how far the answer came.
            self.abort()
            raise
        finally:
            self._current = self._task = self._outlet = None
            if self._is_lost:
                self._peers.leave(self)
        if not self._transport.is_closing():
            self._go_on(incoming, closes=outlet.closes)

    def _go_on(self, answered: Incoming, *, closes: bool) -> None:
        upload = answered.request.upload
        if closes or self.is_last:
            self.close(linger=not upload.is_whole or bool(self._unread))
        elif not upload.is_whole:
            self._skipped = answered
            upload.skip()
            self._deadline.set(self._limits.read_timeout_s, self.close)
        elif self._reader.heads:
            self._begin(self._reader.heads.popleft())
            if self._reader.unfinished is self._current:
                self._read_on()
        elif self._refusal is not None:
            self._tell_refusal(self._refusal)
        else:
            self._deadline.set(self._limits.idle_timeout_s, self.close)
            if self._reader.is_amid_head:
                self._await_head()
            self._read_on()

    def _read_on(self) -> None:
        if self._unread:
            unread, self._unread = b"".join(self._unread), []
            self._n_unread = 0
            self._transport.resume_reading()
            self._read(unread)

    # Refusing.

    def _await_head(self) -> None:
        """A request has begun: its head must be whole in time."""
        if self._current is None:
            self._deadline.set(self._limits.read_timeout_s, self._refuse_slow)

    def _refuse_slow(self) -> None:
        self._refuse(RequestTimeoutError(f"the headers did not arrive within {self._limits.read_timeout_s:g} s"))

    def _refuse(self, error: RequestError) -> None:
        """Answer nothing after the requests that were read whole, but why."""
        self._refusal = error
        broken, self._reader.unfinished = self._reader.unfinished, None
        if broken is not None and broken is self._current:
            broken.request.upload.fail(error)
            return
        if broken is not None and broken is self._skipped:
            self.close(linger=True)  # it has had its answer
            return
        if broken is not None:
            self._reader.heads.remove(broken)
        if self._current is None and not self._reader.heads:
            self._tell_refusal(error)

    def _tell_refusal(self, error: RequestError) -> None:
        body = render(error)
        framing = f"content-length: {len(body)}\r\n"
        self._transport.write(encode_head(int(error.status), _CLOSING, framing) + body)
        self.close(linger=True)

    # Writing and ending.

    def write(self, data: bytes) -> bool:
        """Send bytes; returns whether the client keeps up. What comes for one that is gone is thrown away."""
        if not self._transport.is_closing():
            self._transport.write(data)
        return self._drained is None

    async def drain(self) -> None:
        """Wait until the client keeps up."""
        if self._drained is not None:
            await self._drained

    def finish(self) -> None:
        """Take no further request; close once the one that is answered has its end."""
        self.is_last = True
        self._reader.heads.clear()
        if self._current is None:
            self.close()

    def abort(self) -> None:
        """Hang up, which cancels what runs for the client."""
        self._transport.abort()

    def close(self, *, linger: bool = False) -> None:
        """Close once all that was written is sent.

        Args:
            linger: The client may still be sending: a socket closed over unread bytes takes back what was written last.
        """
        self.is_last = True
        if not linger or not self._transport.can_write_eof():
            # It is closed when all is sent, which a client that never reads would put off for ever.
            self._deadline.set(self._limits.idle_timeout_s, self._transport.abort)
            self._transport.close()
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        self._deadline.set(LINGER_S, self._transport.abort)


class Peers:
    """The open connections of a server."""

    def __init__(self) -> None:
        """Begin with none."""
        self._members: set[Connection] = set()
        self._on_empty: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._members)

    def join(self, connection: Connection, *, limit: int) -> bool:
        """Count a connection in; returns whether it may stay."""
        self._members.add(connection)
        return len(self._members) <= limit and self._on_empty is None

    def leave(self, connection: Connection) -> None:
        """Count it out: it is closed, and nothing runs for it any more."""
        self._members.discard(connection)
        if self._on_empty is not None and not self._members:
            self._on_empty()

    def finish(self, then: Callable[[], None]) -> None:
        """Close the idle ones now and the others after what they run; call `then` when none is left."""
        self._on_empty = then
        for connection in list(self._members):
            connection.finish()
        if not self._members:
            then()

    def abort(self) -> None:
        """Hang up on all."""
        for connection in list(self._members):
            connection.abort()
