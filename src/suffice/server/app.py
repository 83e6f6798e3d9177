"""The table of paths, and what every request goes through: an id, a key, one place where errors are rendered."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from suffice.errors import MethodNotAllowedError, SufficeError, UnknownPathError
from suffice.server.admin import ModeAdmin
from suffice.server.auth import Authenticator, Caller
from suffice.server.bundles import BundleAdmin
from suffice.server.config import ServerConfig
from suffice.server.feedback import Feedback
from suffice.server.generate import Generation
from suffice.server.http import Request, Responder
from suffice.server.models import ModelList
from suffice.server.passthrough import Passthrough
from suffice.server.replicas import ReplicaAdmin
from suffice.wire.errors import render, render_event
from suffice.wire.request import Endpoint

logger = logging.getLogger("suffice.server")

Handler = Callable[[Request, Responder, Caller], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the handlers need."""

    generation: Generation
    models: ModelList
    passthrough: Passthrough
    admin: ModeAdmin
    bundles: BundleAdmin
    replicas: ReplicaAdmin
    feedback: Feedback
    authenticator: Authenticator
    metrics: Callable[[], Awaitable[tuple[bytes, str]]]
    """The metrics page and its content type."""
    note_refusal: Callable[[str], None]
    """Told the code of every error answered by the server itself."""
    new_id: Callable[[], str]


class App:
    """What the gateway answers to a request."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._routes = self._table()

    @property
    def limits(self) -> ServerConfig:
        """See `server.running.Service`."""
        return self._parts.generation.config

    async def serve(self, request: Request, respond: Responder) -> None:
        """Answer one request; raises nothing but what cancels it."""
        respond.headers["x-suffice-request-id"] = self._parts.new_id()
        try:
            await self._serve(request, respond)
        except SufficeError as error:
            await self._refuse(error, respond)
        except Exception:
            request_id = respond.headers["x-suffice-request-id"]
            logger.exception("request %s failed", request_id)
            message = f"the gateway failed; its log tells more about request {request_id}"
            await self._refuse(SufficeError(message), respond)

    async def _serve(self, request: Request, respond: Responder) -> None:
        handlers = self._routes.get(request.path)
        if handlers is None:
            raise UnknownPathError(f"nothing is served at {request.path[:200]!r}")
        handler = handlers.get(request.method)
        if handler is None:
            respond.headers["allow"] = ", ".join(handlers)
            raise MethodNotAllowedError(f"{request.path} takes {' and '.join(handlers)}, not {request.method[:20]}")
        caller = Caller() if request.path in _OPEN else self._identify(request)
        await handler(request, respond, caller)

    def _identify(self, request: Request) -> Caller:
        authenticator = self._parts.authenticator
        if request.path == "/metrics" and authenticator.config.open_metrics:
            return Caller()
        if request.path.startswith("/admin") or request.path == "/metrics":
            return authenticator.require_admin(request.headers)
        return authenticator.identify(request.headers)

    async def _refuse(self, error: SufficeError, respond: Responder) -> None:
        """Answer with an error; after the first byte of a stream it is told in the stream, which then just ends."""
        self._parts.note_refusal(error.code)
        if respond.status is not None:
            respond.break_off(render_event(error) if respond.is_stream else b"")
            return
        if error.retry_after_s is not None:
            respond.headers["retry-after"] = f"{max(1, round(error.retry_after_s))}"
        if error.status in _CLOSING:
            respond.headers["connection"] = "close"
        await respond.whole(error.status, render(error))

    def _table(self) -> Mapping[str, Mapping[str, Handler]]:
        parts = self._parts
        table: dict[str, dict[str, Handler]] = {
            Endpoint.CHAT: {"POST": _generate(parts.generation, Endpoint.CHAT)},
            Endpoint.COMPLETIONS: {"POST": _generate(parts.generation, Endpoint.COMPLETIONS)},
            "/v1/route": {"POST": parts.generation.explain},
            "/v1/feedback": {"POST": parts.feedback.take},
            "/v1/models": {"GET": parts.models.list_all},
            "/health": {"GET": self._health},
            "/ready": {"GET": self._ready},
            "/metrics": {"GET": self._metrics},
            "/admin/mode": {
                "GET": lambda request, respond, _: parts.admin.show(request, respond),
                "PUT": lambda request, respond, _: parts.admin.change(request, respond),
            },
            "/admin/replicas": {"GET": lambda request, respond, _: parts.replicas.show(request, respond)},
            "/admin/bundle": {"GET": lambda request, respond, _: parts.bundles.show(request, respond)},
            "/admin/reload": {"POST": lambda request, respond, _: parts.bundles.reload(request, respond)},
        }
        passed = {path: {"POST": parts.passthrough.answer} for path in parts.passthrough.upstreams}
        return {**passed, **table}

    async def _health(self, _request: Request, respond: Responder, _caller: Caller) -> None:
        await respond.whole(HTTPStatus.OK, b'{"status":"ok"}')

    async def _ready(self, _request: Request, respond: Responder, _caller: Caller) -> None:
        if self._parts.generation.turnstile.is_closing:
            await respond.whole(HTTPStatus.SERVICE_UNAVAILABLE, b'{"status":"shutting down"}')
            return
        await respond.whole(HTTPStatus.OK, b'{"status":"ready"}')

    async def _metrics(self, _request: Request, respond: Responder, _caller: Caller) -> None:
        body, content_type = await self._parts.metrics()
        await respond.whole(HTTPStatus.OK, body, content_type=content_type)


_OPEN = frozenset({"/health", "/ready"})
_CLOSING = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT})
"""After these the rest of the request may still be on its way; it must not be read as the next one."""


def _generate(generation: Generation, endpoint: Endpoint) -> Handler:
    async def handle(request: Request, respond: Responder, caller: Caller) -> None:
        await generation.answer(endpoint, request, respond, caller)

    return handle
