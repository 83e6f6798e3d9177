"""One attempt on one tier: open the call, read it as far as the verdict needs, say what may be served."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from suffice.judging.validators import Candidate, judge
from suffice.pipeline.arrival import Arrival
from suffice.pipeline.booking import note_exchange
from suffice.pipeline.ports import Upstream
from suffice.pipeline.routing import Route
from suffice.upstream.call import Call, Exchange
from suffice.vocabulary import Attempt, Outcome, TierName, Verdict, VerdictReason
from suffice.wire.answer import Answer, Assembly, WireUsage, parse_answer
from suffice.wire.errors import error_text, is_context_error

Upstreams = Mapping[TierName, Upstream]

ACCEPTED = Verdict(accepted=True, reason=VerdictReason.ACCEPTED)
_TOP = Verdict(accepted=True, reason=VerdictReason.TOP)
_REFUSED = Verdict(accepted=True, reason=VerdictReason.REFUSED)
_CONTEXT = Verdict(accepted=False, reason=VerdictReason.CONTEXT)


@dataclass(slots=True, kw_only=True)
class Running:
    """One attempt while it runs."""

    arrival: Arrival
    route: Route
    outcome: Outcome
    attempt: Attempt
    is_last: bool
    """No tier is left above: the answer is served as it is."""
    clock: Callable[[], float]
    assembly: Assembly = field(default_factory=Assembly)
    usage: WireUsage | None = None
    is_whole: bool = False
    """The answer came to its end."""
    is_refused: bool = False
    """The upstream refused the request: nothing was generated."""

    @property
    def elapsed_s(self) -> float:
        """Since the request was received."""
        return self.clock() - self.arrival.started_at

    def judge(self, candidates: list[Candidate]) -> Verdict:
        """Judge a whole answer, unless nothing could follow from it."""
        if self.is_last:
            return _TOP
        request = self.arrival.request
        wants_json = request.response_format in {"json_object", "json_schema"}
        return judge(candidates, wants_json=wants_json, max_tokens=request.max_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An answer that nobody has seen yet."""

    verdict: Verdict
    status: int
    content_type: str
    body: bytes | None = None
    chunks: AsyncIterator[bytes] | None = None


async def open_call(running: Running, upstream: Upstream, stack: AsyncExitStack) -> Exchange:
    """Call a tier; the call ends with `stack`.

    Raises:
        UpstreamError: No replica answered.
    """
    request = running.arrival.request
    model = running.attempt.model
    call = Call(
        path=request.endpoint.removeprefix("/v1"),
        body=request.encode(model=model, include_usage=request.stream),
        stream=request.stream,
        session=running.route.recall.session,
        priority=running.arrival.priority,
        headers=running.arrival.headers,
    )
    exchange = await stack.enter_async_context(upstream.open(call))
    note_exchange(running.outcome, running.attempt, exchange, running.arrival.started_at)
    return exchange


def judge_refusal(running: Running, exchange: Exchange) -> Held:
    """What a status that is not 200 means: too little context sends the request up, all else goes to the client."""
    body = exchange.body or b""
    running.is_whole = True
    running.is_refused = True
    is_context = is_context_error(error_text(parse_answer(body)))
    return Held(
        verdict=_CONTEXT if is_context else _REFUSED,
        status=exchange.status,
        content_type=exchange.content_type,
        body=body,
    )


def candidates_of(answer: Answer) -> list[Candidate]:
    """The choices of a plain answer, as the judge reads them."""
    return [
        Candidate(
            text=choice.text or (choice.message.content if choice.message else None) or "",
            tool_calls=(choice.message.tool_calls if choice.message else None) or (),
            refusal=choice.message.refusal if choice.message else None,
            finish_reason=choice.finish_reason,
        )
        for choice in answer.choices
    ]
