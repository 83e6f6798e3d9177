"""HTTP as the handlers see it: a request with a bounded body, a response in one piece or as a stream.

Sockets are `server.connection`'s business; handlers meet them only through `Upload` and `Outlet`.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from suffice.errors import MediaTypeError, RequestError, RequestTimeoutError, RequestTooLargeError
from suffice.pipeline.ports import Pieces
from suffice.server.upload import Upload


class Outlet(Protocol):
    """Where one response goes."""

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> bool:
        """Send a whole response, its length told; returns whether the client keeps up."""
        ...

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the head of a stream."""
        ...

    def write(self, piece: bytes) -> bool:
        """Send a piece of a stream; returns whether the client keeps up."""
        ...

    def drain(self) -> Awaitable[None]:
        """Wait until the client keeps up again."""
        ...

    def end(self) -> None:
        """End a stream."""
        ...

    def break_off(self, last: bytes) -> None:
        """End a stream that broke with what is said of it; hang up on a client that would not read it anyway."""
        ...


@dataclass(slots=True, eq=False)
class Request:
    """One HTTP request, its headers read."""

    method: str
    path: str
    """As it was sent: decoded, `/v1/chat%2fcompletions` would be another path here than to a proxy in front of us."""
    query: bytes
    headers: Mapping[str, str]
    """By lower-case name; of repeated ones the last."""
    upload: Upload = field(default_factory=Upload)

    async def body(self, *, max_bytes: int, timeout_s: float) -> bytes:
        """Read the whole body.

        Raises:
            RequestError: Too large, too slow, or compressed.
        """
        headers = self.headers
        if headers.get("content-encoding", "identity") != "identity":
            raise MediaTypeError("compressed request bodies are not read here; send the JSON as it is")
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > max_bytes:
            raise RequestTooLargeError(f"the body of {length} bytes is over the limit of {max_bytes}")
        upload = self.upload
        if not upload.is_whole:
            try:
                async with asyncio.timeout(timeout_s):
                    await upload.wait(max_bytes)
            except TimeoutError as error:
                raise RequestTimeoutError(f"the body did not arrive within {timeout_s:g} s") from error
        if upload.n_bytes > max_bytes:
            raise RequestTooLargeError(f"the body is over the limit of {max_bytes} bytes")
        return upload.joined()


@dataclass(slots=True, eq=False)
class Responder:
    """Sends one response."""

    outlet: Outlet
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """Sent with whatever response comes."""
    status: int | None = None
    """Of the head, once it is on its way."""
    is_stream: bool = False

    async def whole(self, status: int, body: bytes, *, content_type: str = "application/json") -> None:
        """Send a response in one piece, and wait for a client that is slow to take it."""
        self.status = status
        self.headers["content-type"] = content_type
        if not self.outlet.send(status, self.headers, body):
            await self.outlet.drain()

    async def begin(self, status: int, content_type: str) -> None:
        """Send the head of a stream."""
        self.is_stream = True
        self.status = status
        self.headers |= {"cache-control": "no-cache", "x-accel-buffering": "no", "content-type": content_type}
        self.outlet.begin(status, self.headers)

    async def push(self, pieces: Pieces) -> None:
        """Send a stream's bytes as they come; a slow client holds back whoever makes them."""
        await pieces.pump(self.outlet)

    async def end(self) -> None:
        """End a stream."""
        self.outlet.end()

    def break_off(self, last: bytes = b"") -> None:
        """End a response that broke, with what is said of it."""
        self.outlet.break_off(last)


def check_type(request: Request) -> None:
    """See that the body is said to be JSON.

    Raises:
        MediaTypeError: It is said to be something else.
    """
    stated = request.headers.get("content-type", "application/json")
    if stated == "application/json":
        return
    stated = stated.partition(";")[0].strip().lower()
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
