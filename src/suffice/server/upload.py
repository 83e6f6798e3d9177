"""A request's body, while it comes."""

import asyncio
import sys
from collections.abc import Callable

from suffice.errors import RequestError


class Upload:
    """The bytes of one body; filled by the connection, read by a handler."""

    is_whole: bool
    """Its end has come."""
    expect: Callable[[], None] | None
    """Called once when a handler waits for the body: the client wants to be told to send it."""

    __slots__ = ("_failure", "_limit", "_max_bytes", "_pieces", "_waiter", "expect", "is_whole", "n_bytes")

    def __init__(self, *pieces: bytes, is_whole: bool = True, max_bytes: int = sys.maxsize) -> None:
        """Begin with what is there.

        Args:
            pieces: Its bytes so far.
            is_whole: They are all.
            max_bytes: Nobody wants a body with more: beyond it bytes are counted and thrown away.
        """
        self._max_bytes = max_bytes
        self._pieces = list(pieces)
        self.n_bytes = sum(map(len, pieces))
        self.is_whole = is_whole
        self.expect = None
        self._limit = 0
        self._failure: RequestError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        self.n_bytes += len(piece)
        if self.n_bytes <= self._max_bytes:
            self._pieces.append(piece)
        if self.n_bytes > self._limit:
            self._wake()

    def end(self) -> None:
        """The body is whole."""
        self.is_whole = True
        self._wake()

    def fail(self, error: RequestError) -> None:
        """The rest of the body cannot be read."""
        self._failure = error
        self._wake()

    @property
    def can_be_skipped(self) -> bool:
        """The rest is on its way without anybody asking for it, and can be read."""
        return self._failure is None and self.expect is None

    def skip(self) -> None:
        """Count what is still to come, and keep none of it."""
        self._pieces.clear()
        self._max_bytes = 0

    async def wait(self, limit: int) -> None:
        """Wait until the body is whole or over a limit of bytes.

        Raises:
            RequestError: It cannot be read to its end.
        """
        if self.expect is not None and not self.n_bytes:
            self.expect()
        self._limit = limit
        if not self.is_whole and self.n_bytes <= limit and self._failure is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._failure is not None:
            raise self._failure

    def joined(self) -> bytes:
        """All that has come."""
        pieces = self._pieces
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
