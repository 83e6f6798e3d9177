"""Asking OpenAI-compatible servers which models they serve."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

MAX_LIST_BYTES = 8 * 1024 * 1024
_EXCERPT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """A model that a server says it serves."""

    name: str
    context_tokens: int | None = None
    """vLLM's `max_model_len`; other servers do not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server to ask."""

    base_url: str
    """`http://127.0.0.1:8000/v1`"""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a server said."""

    base_url: str
    latency_s: float
    models: Sequence[ListedModel] = ()
    problem: str | None = None
    """Why the models are not known."""
    is_connected: bool = True
    """Somebody listens there."""

    def find(self, name: str) -> ListedModel | None:
        """The model of this name."""
        return next((model for model in self.models if model.name == name), None)


def probe_all(
    targets: Sequence[Target],
    *,
    timeout_s: float,
    report: Callable[[Probe], None],
    tls: ssl.SSLContext | None = None,
) -> list[Probe]:
    """Ask all servers at once.

    Args:
        targets: The servers.
        timeout_s: Time that each has to answer.
        report: Told of each answer as it comes.
        tls: How `https` servers are met; None: as the system does.

    Returns:
        One probe per target, in their order.
    """
    return asyncio.run(_probe_all(targets, timeout_s, report, tls or ssl.create_default_context()))


async def _probe_all(
    targets: Sequence[Target], timeout_s: float, report: Callable[[Probe], None], tls: ssl.SSLContext
) -> list[Probe]:
    async def run(target: Target) -> Probe:
        probe = await _probe(session, target)
        report(probe)
        return probe

    timeout = aiohttp.ClientTimeout(total=timeout_s)
    connector = aiohttp.TCPConnector(ssl=tls)  # pyright: ignore[reportUnknownMemberType] - one of its many options
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session, asyncio.TaskGroup() as group:
        tasks = [group.create_task(run(target)) for target in targets]
    return [task.result() for task in tasks]


class _Card(msgspec.Struct):
    id: str
    max_model_len: Any = None


class _ModelList(msgspec.Struct):
    data: list[_Card]


async def _probe(session: aiohttp.ClientSession, target: Target) -> Probe:
    started_at = time.monotonic()
    models: Sequence[ListedModel] = ()
    problem: str | None = None
    is_connected = True
    try:
        # A redirect is not followed: it would carry the key to another server.
        async with session.get(
            f"{target.base_url.rstrip('/')}/models", headers=target.headers, allow_redirects=False
        ) as answer:
            content = await _read_limited(answer)
            models, problem = _read_answer(answer.status, content)
    except aiohttp.ClientConnectorCertificateError as error:
        reason = getattr(error.certificate_error, "verify_message", error.certificate_error)
        problem = f"has a certificate that is not trusted ({reason}); upstream.ca_file can name its authority"
    except aiohttp.ClientConnectorError as error:
        is_connected = False
        refused = isinstance(error.os_error, ConnectionRefusedError)
        problem = "cannot be reached: nobody listens there" if refused else f"cannot be reached: {error.os_error}"
    except TimeoutError:
        is_connected = False
        problem = "cannot be reached in time"
    except aiohttp.ClientError as error:
        problem = f"speaks no HTTP: {error}"
    latency_s = time.monotonic() - started_at
    return Probe(
        base_url=target.base_url, latency_s=latency_s, models=models, problem=problem, is_connected=is_connected
    )


def _read_answer(status: int, content: bytes) -> tuple[Sequence[ListedModel], str | None]:
    if status != 200:
        hint = {401: "; is its key right?", 403: "; is its key right?", 404: "; is its base URL complete?"}.get(
            status, ""
        )
        return (), f"answers {status} to GET /models{hint}"
    try:
        cards = msgspec.json.decode(content, type=_ModelList).data
    except msgspec.DecodeError:
        return (), f"answers no list of models: {content[:_EXCERPT].decode('utf-8', 'replace')!r}"
    return [ListedModel(name=card.id, context_tokens=_read_context(card)) for card in cards], None


def _read_context(card: _Card) -> int | None:
    told = card.max_model_len
    return told if isinstance(told, int) and not isinstance(told, bool) and told > 0 else None


async def _read_limited(answer: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        content += chunk
        if len(content) > MAX_LIST_BYTES:
            raise aiohttp.ClientPayloadError(f"its list of models is over {MAX_LIST_BYTES} bytes")
    return bytes(content)
