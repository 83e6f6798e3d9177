"""`/v1/chat/completions` and `/v1/completions`, and their dry run."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from msgspec.structs import replace

from suffice.pipeline.arrival import Arrival, Reply
from suffice.pipeline.pipeline import Pipeline
from suffice.server.auth import Caller
from suffice.server.config import ServerConfig
from suffice.server.explanation import explain_route
from suffice.server.headers import FORWARDED, decision_headers, priority_of, session_of
from suffice.server.http import Request, Responder, check_type, header_flag
from suffice.server.limits import Turnstile
from suffice.wire.request import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Handles requests for generated text."""

    pipeline: Pipeline
    config: ServerConfig
    turnstile: Turnstile
    clock: Callable[[], float]
    """Monotonic, seconds."""
    wall_clock: Callable[[], float]
    """Unix time."""

    async def answer(self, endpoint: Endpoint, request: Request, respond: Responder, caller: Caller) -> None:
        """Answer one request."""
        arrival = await self._arrive(endpoint, request, respond, caller)
        debug = header_flag(
            request.headers.get("x-suffice-debug"), name="x-suffice-debug", known={"1": True, "0": False}
        )
        if debug:
            arrival = replace(arrival, explain=True)

        async def deliver(reply: Reply) -> None:
            respond.headers |= decision_headers(reply.outcome, streamed=reply.pieces is not None, debug=arrival.explain)
            await _send(reply, respond)

        profile = self.pipeline.router.profile_of(arrival)
        self.turnstile.enter(profile, arrival.priority)
        try:
            await self.pipeline.answer(arrival, deliver)
        finally:
            self.turnstile.leave(profile)

    async def explain(self, request: Request, respond: Responder, caller: Caller) -> None:
        """The dry run: the decision and its explanation, no upstream call."""
        arrival = await self._arrive(Endpoint.CHAT, request, respond, caller)
        router = self.pipeline.router
        route = router.route(replace(arrival, explain=True))
        await respond.whole(HTTPStatus.OK, explain_route(route, router))

    async def _arrive(self, endpoint: Endpoint, request: Request, respond: Responder, caller: Caller) -> Arrival:
        started_at = self.clock()
        check_type(request)
        body = await request.body(max_bytes=self.config.max_body_bytes, timeout_s=self.config.read_timeout_s)
        cache = request.headers.get("x-suffice-cache")
        known = {"no-store": False, "default": True}
        use_cache = cache is None or header_flag(cache, name="x-suffice-cache", known=known)
        reading = self.pipeline.router.read(endpoint, body, use_cache=use_cache)
        return Arrival(
            request=reading.request,
            reading=reading,
            request_id=respond.headers["x-suffice-request-id"],
            received_at=self.wall_clock(),
            started_at=started_at,
            key_id=caller.key_id,
            profile=caller.profile,
            min_tier=request.headers.get("x-suffice-min-tier"),
            session=session_of(request.headers),
            priority=priority_of(request.headers),
            use_cache=use_cache,
            headers={
                "content-type": "application/json",
                "x-request-id": respond.headers["x-suffice-request-id"],
                **{name: request.headers[name] for name in FORWARDED if name in request.headers},
            },
        )


async def _send(reply: Reply, respond: Responder) -> None:
    if reply.pieces is None:
        await respond.whole(reply.status, reply.body or b"", content_type=reply.content_type)
        return
    await respond.begin(reply.status, reply.content_type)
    await respond.push(reply.pieces)
    await respond.end()
