"""Listed paths, such as `/v1/embeddings`, passed untouched to a named server: authenticated and recorded."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from suffice.errors import SufficeError, UpstreamError, UpstreamTimeoutError
from suffice.pipeline.ports import Observer, Upstream
from suffice.server.auth import Caller
from suffice.server.config import ServerConfig
from suffice.server.headers import priority_of
from suffice.server.http import Request, Responder
from suffice.server.limits import Turnstile
from suffice.upstream.call import Call
from suffice.vocabulary import Attempt, Outcome, TierName, Usage
from suffice.wire.answer import Answer, parse_answer

TIER = TierName("passthrough")
"""What records and metrics call the servers behind passed paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passthrough:
    """Passes requests on."""

    upstreams: Mapping[str, Upstream]
    """By path."""
    observers: Sequence[Observer]
    config: ServerConfig
    turnstile: Turnstile
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    config_hash: str

    async def answer(self, request: Request, respond: Responder, caller: Caller) -> None:
        """Pass one request on, and its answer back as it came.

        Raises:
            UpstreamError: The server did not answer, or not in time.
        """
        priority = priority_of(request.headers)
        body = await request.body(max_bytes=self.config.max_body_bytes, timeout_s=self.config.read_timeout_s)
        started_at = self.clock()
        attempt = Attempt(tier=TIER, model="", started_s=0.0)
        outcome = Outcome(
            request_id=respond.headers["x-suffice-request-id"],
            received_at=self.wall_clock(),
            endpoint=request.path,
            key_id=caller.key_id,
            profile=caller.profile,
            config_hash=self.config_hash,
            attempts=[attempt],
        )
        try:
            self.turnstile.enter(caller.profile, priority)
            try:
                await self._pass_in_time(body, request, respond, outcome)
            finally:
                self.turnstile.leave(caller.profile)
        except SufficeError as error:
            outcome.error = error.code
            outcome.status = int(error.status)
            attempt.error = error.code if isinstance(error, UpstreamError) else None
            raise
        finally:
            outcome.cancelled = outcome.status is None
            attempt.duration_s = outcome.duration_s = self.clock() - started_at
            for observer in self.observers:
                observer.observe(outcome)

    async def _pass_in_time(self, body: bytes, request: Request, respond: Responder, outcome: Outcome) -> None:
        limit_s = self.config.total_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                await self._pass(body, request, respond, outcome)
        except TimeoutError as error:
            raise UpstreamTimeoutError(f"{request.path} took longer than {limit_s:g} s") from error

    async def _pass(self, body: bytes, request: Request, respond: Responder, outcome: Outcome) -> None:
        content_type = request.headers.get("content-type", "application/json")
        call = Call(path="", body=body, stream=False, headers={"content-type": content_type})
        async with self.upstreams[request.path].open(call) as exchange:
            answer = parse_answer(exchange.body or b"")
            attempt = outcome.attempts[0]
            attempt.replica, attempt.status = exchange.replica, exchange.status
            attempt.usage = _usage(answer)
            attempt.model = (answer.model if answer else None) or ""
            outcome.model_asked = attempt.model
            outcome.status = exchange.status
            await respond.whole(exchange.status, exchange.body or b"", content_type=exchange.content_type)


def _usage(answer: Answer | None) -> Usage | None:
    if answer is None or answer.usage is None:
        return None
    return Usage(prompt_tokens=answer.usage.prompt_tokens, completion_tokens=answer.usage.completion_tokens or 0)
