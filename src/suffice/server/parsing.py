"""From bytes to requests: llhttp with the limits and the strictness of a gateway that faces clients."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import httptools

from suffice.errors import HeadersTooLargeError, RequestError
from suffice.server.config import ServerConfig
from suffice.server.http import Request
from suffice.server.strictness import Header, check_head
from suffice.server.upload import Upload

_SLICE_BYTES = 16 * 1024
"""Bytes parsed at once, so that what is counted is never far ahead of what was parsed."""

_MAX_FRAMING = 16
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


_CLOSED = httptools.HttpRequestParser(object())


def _nothing() -> None:
    """In place of what a closed connection would do."""


@dataclass(slots=True, eq=False)
class Incoming:
    """A request whose head is whole."""

    request: Request
    keeps: bool
    """The client may send another one after it."""
    is_old: bool
    """Of HTTP/1.0."""


class RequestReader:
    """Reads the requests of one connection."""

    def __init__(self, limits: ServerConfig, *, begin: Callable[[], None]) -> None:
        """Take what is the same for all requests.

        Args:
            limits: Of sizes.
            begin: Called at the first byte of each request.
        """
        self.heads: deque[Incoming] = deque()
        """What was read and not taken yet; only the last one's body may still be on its way."""
        self.unfinished: Incoming | None = None
        """Whose body is on its way."""
        self._limits = limits
        self._begin = begin
        self._parser = httptools.HttpRequestParser(self)
        self._refusal: RequestError | None = None
        self._is_last = False
        self._is_resuming = False
        self.is_amid_head = False
        """A head has begun and is not whole."""
        self._in_head = True
        self._n_head_bytes = self._n_framing_bytes = self._n_body_bytes = self._n_line_bytes = 0
        self._target = b""
        self._lines: list[Header] = []

    def close(self) -> None:
        """Let go of the parser, which holds this reader: else both would stay until the garbage collector comes."""
        self.heads.clear()
        self.unfinished = None
        self._parser = _CLOSED
        self._begin = _nothing

    def feed(self, data: bytes) -> None:
        """Read on.

        Raises:
            RequestError: This is not HTTP, or over the limits; nothing can be read after it.
        """
        if len(data) <= _SLICE_BYTES:
            self._feed(data)
            return
        for start in range(0, len(data), _SLICE_BYTES):
            self._feed(data[start : start + _SLICE_BYTES])

    def _feed(self, data: bytes) -> None:
        if self._in_head:
            self._n_head_bytes += len(data)
        self._n_framing_bytes += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            raise self._refusal or RequestError(f"this is not HTTP: {error}", code="invalid_http") from error
        if (self._in_head and self._n_head_bytes > self._limits.max_header_bytes) or self._is_padded():
            raise self._too_large()

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])

    def _decline_upgrade(self, rest: bytes) -> None:
        """Go on with HTTP/1.1 where a client offered another protocol, as some do with every first request.

        The parser stops at the end of such a head, whether a body follows or not; a new one is told of the body.
        """
        if self.unfinished is None:
            return  # what follows would be the other protocol
        framing = [b"%s: %s" % line for line in self._lines if line[0] in _FRAMING]
        self._parser = httptools.HttpRequestParser(self)
        self._is_resuming = True
        self._parser.feed_data(b"\r\n".join([b"POST / HTTP/1.1", b"connection: close", *framing, b"", b""]))
        self._is_resuming = False
        self._parser.feed_data(rest)

    def _has_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
            for name, value in self._lines
        )

    def _is_padded(self) -> bool:
        """Whether chunk extensions and the like outweigh what they frame; even chunks of one byte stay below."""
        return self._n_framing_bytes > _SLICE_BYTES + self._limits.max_header_bytes + _MAX_FRAMING * self._n_body_bytes

    def _too_large(self) -> HeadersTooLargeError:
        limits = self._limits
        return HeadersTooLargeError(
            f"the headers are over the limit of {limits.max_headers} lines or {limits.max_header_bytes} bytes"
        )

    # What llhttp calls. What these raise comes out of `feed_data` as an error of its own.

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._is_resuming:
            return
        if self._is_last:
            self._refuse(RequestError("a request follows one that was to be the last", code="invalid_http"))
        self._in_head = self.is_amid_head = True
        self._target = b""
        self._lines = []
        self._n_line_bytes = 0
        self._begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        if not self._is_resuming:
            self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header, or trailer, while there are not too many."""
        if self._is_resuming:
            return
        self._n_line_bytes += len(name) + len(value) + 4
        self._lines.append((name.lower(), value))
        limits = self._limits
        if len(self._lines) > limits.max_headers or (self._n_line_bytes + len(self._target) > limits.max_header_bytes):
            self._refuse(self._too_large())

    def on_headers_complete(self) -> None:
        """The head is whole: refuse what others may read differently, then let it in."""
        if self._is_resuming:
            return
        self._in_head = self.is_amid_head = False
        self._n_head_bytes = self._n_framing_bytes = self._n_body_bytes = 0
        parser, lines = self._parser, self._lines
        version = parser.get_http_version()
        try:
            check_head(version, self._target, lines)
        except RequestError as error:
            self._refuse(error)
        path, _, query = self._target.partition(b"?")
        request = Request(
            parser.get_method().decode("latin-1"),
            path.decode("latin-1"),
            query,
            {name.decode("latin-1"): value.decode("latin-1") for name, value in lines},
            Upload(is_whole=False, max_bytes=self._limits.max_body_bytes),
        )
        self._is_last = parser.should_upgrade() or not parser.should_keep_alive()
        incoming = Incoming(request, keeps=not self._is_last, is_old=version == "1.0")
        self.unfinished = incoming
        self.heads.append(incoming)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._n_body_bytes += len(body)
        if self.unfinished is not None:
            self.unfinished.request.upload.feed(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._parser.should_upgrade() and self._has_body():
            return  # only the parser thinks so
        if self._is_padded():
            self._refuse(self._too_large())
        self._in_head = True
        self._n_head_bytes = 0
        if self.unfinished is not None:
            self.unfinished.request.upload.end()
            self.unfinished = None

    def _refuse(self, error: RequestError) -> None:
        self._refusal = error
        raise error
