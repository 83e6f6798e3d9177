"""One server of a tier: a single HTTP call to it, its errors translated."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from suffice.errors import UpstreamBrokenError, UpstreamBusyError, UpstreamError, UpstreamTimeoutError
from suffice.upstream.call import Call, Exchange
from suffice.upstream.config import UpstreamConfig

MAX_ANSWER_BYTES = 64 * 1024 * 1024
_ERROR_EXCERPT = 300


@dataclass(slots=True)
class Replica:
    """A server with one tier's model."""

    base_url: str
    """Without a trailing slash."""
    session: aiohttp.ClientSession
    config: UpstreamConfig
    headers: Mapping[str, str]
    in_flight: int = 0
    failures: int = 0
    """Consecutive failed tries; the pool prefers replicas without."""
    benched_until: float = 0.0
    """Until then (monotonic clock, seconds) its failures count."""

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Exchange]:
        """Make one call; see `pipeline.ports.Upstream.open`.

        Raises:
            UpstreamError: No connection, no answer in time, a broken one, or a status another replica might mend.
        """
        started_at = time.monotonic()
        self.in_flight += 1
        try:
            response = await self._send(call)
            try:
                yield await self._read(response, call, started_at)
            finally:
                # Closing, not releasing: an unfinished answer must stop at the upstream at once. aiohttp has
                # already returned the connection of a finished one to its pool.
                response.close()
        finally:
            self.in_flight -= 1

    async def _send(self, call: Call) -> aiohttp.ClientResponse:
        try:
            async with asyncio.timeout(self.config.first_byte_timeout_s):
                return await self.session.post(
                    self.base_url + call.path,
                    data=call.body,
                    headers={**call.headers, **self.headers},
                    allow_redirects=False,
                )
        except aiohttp.ConnectionTimeoutError as error:
            raise self._late("accept a connection", self.config.connect_timeout_s) from error
        except TimeoutError as error:
            raise self._late("accept the request", self.config.first_byte_timeout_s) from error
        except aiohttp.ClientError as error:
            raise UpstreamError(f"{self.base_url} cannot be reached: {error}") from error

    async def _read(self, response: aiohttp.ClientResponse, call: Call, started_at: float) -> Exchange:
        exchange = Exchange(
            status=response.status,
            content_type=response.headers.get("content-type", "application/json"),
            replica=self.base_url,
            started_at=started_at,
            retry_after_s=_retry_after(response.headers.get("retry-after")),
        )
        streamed = call.stream and response.status == 200 and "text/event-stream" in exchange.content_type
        if streamed:
            chunks = self._chunks(response)
            # The first bytes are awaited here, where another replica may still take over.
            first = await anext(chunks, b"")
            if not first:
                raise UpstreamBrokenError(f"{self.base_url} closed its stream before the first byte")
            exchange.chunks = _resume(first, chunks)
            return exchange
        exchange.body = await self._body(response, started_at)
        _refuse_mendable(exchange)
        return exchange

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        limit = self.config.first_byte_timeout_s
        while True:
            try:
                async with asyncio.timeout(limit):
                    chunk = await response.content.readany()
            except TimeoutError as error:
                raise self._late("go on with its stream", limit) from error
            except (aiohttp.ClientError, ConnectionError) as error:
                raise UpstreamBrokenError(f"{self.base_url} broke off in the middle of its stream: {error}") from error
            if not chunk:
                return
            yield chunk
            limit = self.config.idle_timeout_s

    async def _body(self, response: aiohttp.ClientResponse, started_at: float) -> bytes:
        left = max(0.001, self.config.first_byte_timeout_s - (time.monotonic() - started_at))
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(left):
                async for part in response.content.iter_any():
                    parts.append(part)
                    size += len(part)
                    if size > MAX_ANSWER_BYTES:
                        raise UpstreamBrokenError(f"{self.base_url} sent an answer over {MAX_ANSWER_BYTES} bytes")
        except TimeoutError as error:
            raise self._late("finish its answer", self.config.first_byte_timeout_s) from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise UpstreamBrokenError(f"{self.base_url} broke off in the middle of its answer: {error}") from error
        return b"".join(parts)

    def _late(self, what: str, limit: float) -> UpstreamTimeoutError:
        return UpstreamTimeoutError(f"{self.base_url} did not {what} within {limit:g} s")


async def _resume(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _refuse_mendable(exchange: Exchange) -> None:
    """Raise for the statuses that another replica, or this one a little later, might mend."""
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


def _retry_after(value: str | None) -> float | None:
    """Seconds; the HTTP-date form is not worth a date parser here."""
    try:
        seconds = float(value or "nan")
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
