"""HTTP as the handlers see it: a request with a bounded body, a response in one piece or as a stream.

The one module that knows ASGI's messages; replacing the server replaces this file and `protocol`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from suffice.errors import MediaTypeError, RequestError, RequestTimeoutError, RequestTooLargeError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ClientGoneError(Exception):
    """The client hung up before its request was whole; there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, its headers read."""

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    """By lower-case name; of repeated ones the last."""
    receive: Receive

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> "Request":
        """Read a request's head."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        # As it was sent: decoded, `/v1/chat%2fcompletions` would be another path here than to a proxy in front of us.
        return cls(scope["method"], scope["raw_path"].decode("latin-1"), scope["query_string"], headers, receive)

    async def body(self, *, max_bytes: int, timeout_s: float) -> bytes:
        """Read the whole body.

        Raises:
            RequestError: Too large, too slow, or compressed.
            ClientGoneError: The client hung up.
        """
        if self.headers.get("content-encoding", "identity") != "identity":
            raise MediaTypeError("compressed request bodies are not read here; send the JSON as it is")
        length = self.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > max_bytes:
            raise RequestTooLargeError(f"the body of {length} bytes is over the limit of {max_bytes}")
        try:
            async with asyncio.timeout(timeout_s):
                return await self._collect(max_bytes)
        except TimeoutError as error:
            raise RequestTimeoutError(f"the body did not arrive within {timeout_s:g} s") from error

    async def _collect(self, max_bytes: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > max_bytes:
                raise RequestTooLargeError(f"the body is over the limit of {max_bytes} bytes")
            parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    async def gone(self) -> None:
        """Return when the client has hung up; only after the body was read."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


@dataclass(slots=True)
class Responder:
    """Sends one response."""

    send: Send
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """Sent with whatever response comes."""
    status: int | None = None
    """Of the head, once it is on its way."""
    is_stream: bool = False

    async def whole(self, status: int, body: bytes, *, content_type: str = "application/json") -> None:
        """Send a response in one piece."""
        self.headers["content-length"] = str(len(body))
        await self._head(status, content_type)
        await self.send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, content_type: str) -> None:
        """Send the head of a stream."""
        self.is_stream = True
        self.headers |= {"cache-control": "no-cache", "x-accel-buffering": "no"}
        await self._head(status, content_type)

    async def push(self, chunks: AsyncIterator[bytes]) -> None:
        """Send a stream's bytes as they come; a slow client holds back whoever makes them."""
        async for chunk in chunks:
            await self.send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self, last: bytes = b"") -> None:
        """End a stream."""
        await self.send({"type": "http.response.body", "body": last})

    async def _head(self, status: int, content_type: str) -> None:
        self.status = status
        self.headers["content-type"] = content_type
        head = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in self.headers.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": head})


async def while_connected(request: Request, work: Awaitable[None]) -> None:
    """Do `work` until it is done or the client hangs up, which cancels it.

    Raises:
        ClientGoneError: The client hung up.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(_watch(request))
            await work
            watching.cancel()
    except BaseExceptionGroup as group:
        # Either the work failed or the watch ended it; both cannot be, so there is one to tell of.
        raise group.exceptions[0] from None


async def _watch(request: Request) -> None:
    await request.gone()
    raise ClientGoneError


def check_type(request: Request) -> None:
    """See that the body is said to be JSON.

    Raises:
        MediaTypeError: It is said to be something else.
    """
    stated = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    # Forms are refused: a browser sends them across sites without asking, JSON only after a preflight.
    if stated != "application/json" and not stated.endswith("+json"):
        raise MediaTypeError(f"content-type {stated[:100]!r} is not understood; send application/json")


def header_flag(value: str | None, *, name: str, known: Mapping[str, bool]) -> bool:
    """Read a header that says yes or no.

    Raises:
        RequestError: It says something else.
    """
    if value is None:
        return False
    if value.lower() not in known:
        raise RequestError(f"{name}: {value[:100]!r} is not understood; use {' or '.join(known)}", param=name)
    return known[value.lower()]
