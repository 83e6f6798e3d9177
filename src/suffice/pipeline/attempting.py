"""One attempt on one tier: open the call, read it as far as the verdict needs, say what may be served."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from suffice.judging.validators import Candidate, judge
from suffice.pipeline.arrival import Arrival
from suffice.pipeline.ports import Pieces, Upstream
from suffice.pipeline.routing import Route
from suffice.upstream.call import Call, Exchange
from suffice.vocabulary import Attempt, Outcome, TierName, Verdict, VerdictReason
from suffice.wire.answer import Answer, Assembly, WireUsage, parse_answer
from suffice.wire.chunks import read_chunks
from suffice.wire.errors import error_text, is_context_error

_MAX_UNREAD = 256 * 1024
"""Bytes of chunks that are put off at most."""

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
    is_garbled: bool = False
    """Something passed as a chunk that was none."""
    _unread: list[bytes] = field(default_factory=list[bytes])
    _n_unread: int = 0

    @property
    def elapsed_s(self) -> float:
        """Since the request was received."""
        return self.clock() - self.arrival.started_at

    def put_off(self, piece: bytes) -> None:
        """Read whole chunks of the answer later: together that takes a fraction of the time."""
        self._unread.append(piece)
        self._n_unread += len(piece)
        if self._n_unread > _MAX_UNREAD:
            self.catch_up()

    def catch_up(self) -> bytes:
        """Read what was put off; returns it."""
        if not self._unread:
            return b""
        unread = b"".join(self._unread)
        self._unread.clear()
        self._n_unread = 0
        answers = read_chunks(unread)
        if answers is None:
            self.is_garbled = True
            return b""
        for answer in answers:
            self.assembly.add(answer)
        return unread

    def judge(self, candidates: list[Candidate]) -> Verdict:
        """Judge a whole answer, unless nothing could follow from it."""
        if self.is_last:
            return _TOP
        request = self.arrival.request
        wants_json = request.response_format in {"json_object", "json_schema"}
        return judge(candidates, wants_json=wants_json, max_tokens=request.max_tokens)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that nobody has seen yet."""

    verdict: Verdict
    status: int
    content_type: str
    body: bytes | None = None
    pieces: Pieces | None = None
    """Of a stream."""


def make_call(running: Running) -> Call:
    """What the tier is asked."""
    request = running.arrival.request
    return Call(
        path=request.endpoint.removeprefix("/v1"),
        body=request.encode(model=running.attempt.model, include_usage=request.stream),
        stream=request.stream,
        session=running.route.recall.session,
        priority=running.arrival.priority,
        headers=running.arrival.headers,
    )


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
