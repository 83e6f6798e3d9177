"""One HTTP call to one server: asked, answered, its errors translated."""

import asyncio
import math
import time
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from suffice.errors import UpstreamBrokenError, UpstreamBusyError, UpstreamError, UpstreamTimeoutError
from suffice.upstream.call import Call, Exchange
from suffice.upstream.connection import Connection
from suffice.upstream.origin import Origin

_ERROR_EXCERPT = 300
_OWN_HEADERS = {"user-agent": "suffice", "accept": "*/*", "accept-encoding": "identity"}


class Client:
    """Makes calls to one server."""

    def __init__(self, origin: Origin, headers: Mapping[str, str]) -> None:
        """Take the server, and the headers that go with every call."""
        self.origin = origin
        always = {"host": origin.authority, **_OWN_HEADERS, **headers}
        self._own = frozenset(name.lower() for name in always)
        self._always = "".join(f"{name}: {value}\r\n" for name, value in always.items())
        self._starts: dict[str, str] = {}

    @property
    def base_url(self) -> str:
        """Of the server, without a trailing slash."""
        return self.origin.base_url

    async def send(self, call: Call) -> Exchange:
        """Make a call; whoever gets the exchange must close it.

        Raises:
            UpstreamError: No connection, no answer in time, a broken one, or a status another replica might mend.
        """
        started_at = time.monotonic()
        connection = await self._ask(self._encode(call), wants_stream=call.stream)
        try:
            return self._read(connection, started_at)
        except BaseException:
            self.origin.keep(connection)
            raise

    async def probe(self, path: str, timeout_s: float) -> int:
        """Get a path of the server, and tell the status of its answer.

        Args:
            path: As a link on the base URL's page: `models` is below it, `/health` at the server's root.
            timeout_s: In which it has to come.

        Raises:
            UpstreamError: There is no answer, or not in time.
        """
        target = urlsplit(urljoin(f"{self.base_url}/", path)).path
        request = f"GET {target} HTTP/1.1\r\n{self._always}\r\n".encode("latin-1")
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._ask(request, wants_stream=False)
        except TimeoutError as error:
            raise UpstreamTimeoutError(f"{self.base_url} did not answer {path} within {timeout_s:g} s") from error
        status = connection.status
        self.origin.keep(connection)
        return status

    async def _ask(self, request: bytes, *, wants_stream: bool) -> Connection:
        connection = self.origin.kept() or await self.origin.connect()
        try:
            await connection.ask(request, wants_stream=wants_stream)
        except BaseException:
            self.origin.keep(connection)
            raise
        return connection

    def _encode(self, call: Call) -> bytes:
        start = self._starts.get(call.path)
        if start is None:
            start = self._starts[call.path] = f"POST {self.origin.path}{call.path} HTTP/1.1\r\n{self._always}"
        own = self._own
        more = "".join([f"{name}: {value}\r\n" for name, value in call.headers.items() if name not in own])
        head = f"{start}{more}content-length: {len(call.body)}\r\n\r\n"
        return head.encode("latin-1", "replace") + call.body

    def _read(self, connection: Connection, started_at: float) -> Exchange:
        exchange = Exchange(
            status=connection.status,
            content_type=_content_type(connection.content_type),
            replica=self.origin.base_url,
            started_at=started_at,
            retry_after_s=_retry_after(connection.retry_after),
            end=lambda: self.origin.keep(connection),
        )
        if connection.is_stream:
            if not connection.has_pieces:
                raise UpstreamBrokenError(f"{self.origin.base_url} closed its stream before the first byte")
            exchange.chunks = connection
            return exchange
        exchange.body = connection.body()
        _refuse_mendable(exchange)
        return exchange


def _refuse_mendable(exchange: Exchange) -> None:
    """Raise for the statuses that another replica, or this one a little later, might mend."""
    if exchange.status in {HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT}:
        raise UpstreamBrokenError(f"{exchange.replica} answered {exchange.status}, which has no content")
    # 401, 403 and 404 are about the gateway's own key and model name: the client cannot mend them.
    is_about_request = 400 <= exchange.status < 500 and exchange.status not in {401, 403, 404, 408, 429}
    if 200 <= exchange.status < 300 or is_about_request:
        return
    excerpt = (exchange.body or b"")[:_ERROR_EXCERPT].decode(errors="replace")
    message = f"{exchange.replica} answered {exchange.status}: {excerpt}"
    error = UpstreamError(message)
    if exchange.status == HTTPStatus.TOO_MANY_REQUESTS:
        error = UpstreamBusyError(message, retry_after_s=exchange.retry_after_s or 1.0)
    elif exchange.status == HTTPStatus.SERVICE_UNAVAILABLE:
        error.retry_after_s = exchange.retry_after_s
    error.answered = exchange.status
    raise error


def _content_type(value: str) -> str:
    """As the upstream says, unless no header can carry it."""
    return value if value and value.isprintable() else "application/json"


def _retry_after(value: str | None) -> float | None:
    """Seconds; the HTTP-date form is not worth a date parser here."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
