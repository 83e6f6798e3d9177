"""A client of HTTP/1.1 over asyncio's streams: keeps connections, reads answers and event streams, may leave early."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

TIMEOUT_S = 60.0
"""Longer than the gateway lets any request last: whoever waits so long gets no answer at all."""
_LIMIT = 2**20
_HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n"
)


class NoAnswerError(Exception):
    """The connection ended, or time did, before an answer was whole."""


@dataclass(slots=True)
class Reply:
    """An answer, as far as it came."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-suffice-request-id")


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_fresh: bool = True


class Client:
    """Sends chat requests to one gateway."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[_Connection] = []

    async def ask(self, document: object, *, leave_after: int | None = None) -> Reply:
        """Ask and read the answer.

        Args:
            document: The request's body.
            leave_after: Hang up after so many bytes of the body; 0: as soon as the request is sent.

        Raises:
            NoAnswerError: The answer did not come, or not to its end.
        """
        body = json.dumps(document).encode()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._ask(_HEAD % len(body) + body, leave_after)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise NoAnswerError(repr(error)) from error

    async def _ask(self, request: bytes, leave_after: int | None) -> Reply:
        while True:
            async with self._connection() as connection:
                try:
                    connection.writer.write(request)
                    if leave_after == 0:
                        return Reply()
                    head = await connection.reader.readuntil(b"\r\n\r\n")
                except (ConnectionError, asyncio.IncompleteReadError) as error:
                    # The other side may close an idle connection just as it is used; any client asks again then.
                    if connection.is_fresh or getattr(error, "partial", b""):
                        raise
                    continue
                reply = _read_head(head)
                async for part in _read_body(connection.reader, reply.headers):
                    reply.body += part
                    if leave_after is not None and len(reply.body) >= leave_after:
                        return reply
                if reply.headers.get("connection") != "close":
                    connection.is_fresh = False
                    self._idle.append(connection)
                return reply

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[_Connection]:
        if self._idle:
            connection = self._idle.pop()
        else:
            connection = _Connection(*await asyncio.open_connection("127.0.0.1", self._port, limit=_LIMIT))
        try:
            yield connection
        finally:
            if not self._idle or self._idle[-1] is not connection:
                connection.writer.close()

    async def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle:
            connection.writer.close()
            with suppress(OSError):
                await connection.writer.wait_closed()
        self._idle.clear()


def _read_head(head: bytes) -> Reply:
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    pairs = (line.partition(":") for line in lines)
    return Reply(status=int(first.split(" ")[1]), headers={name.lower(): value.strip() for name, _, value in pairs})


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncGenerator[bytes]:
    if headers.get("transfer-encoding") != "chunked":
        yield await reader.readexactly(int(headers.get("content-length", "0")))
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
