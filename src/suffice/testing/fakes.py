"""Fakes of what the pipeline calls, and a pipeline made of them."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from suffice.caching.config import CacheConfig
from suffice.caching.conversations import ConversationStore
from suffice.caching.decisions import DecisionCache
from suffice.errors import UpstreamError
from suffice.pipeline.arrival import Arrival, ModeSwitch, Reply, Settings
from suffice.pipeline.booking import Book
from suffice.pipeline.memory import Memory
from suffice.pipeline.pipeline import Pipeline
from suffice.pipeline.routing import Router
from suffice.policy.config import EscalationConfig, MemoryConfig, RoutingConfig
from suffice.policy.selection import Catalogue
from suffice.upstream.call import Call, Exchange
from suffice.vocabulary import Capabilities, Mode, Outcome, Price, Score, Tier, TierName, Turn
from suffice.wire.request import Endpoint, parse

SMALL, LARGE = TierName("small"), TierName("large")
TIERS = (
    Tier(name=SMALL, model="small-model", price=Price(input=1.0, output=1.0)),
    Tier(name=LARGE, model="large-model", price=Price(input=10.0, output=10.0), capabilities=Capabilities(images=True)),
)


def chat_answer(
    text: str | None, *, model: str = "small-model", finish_reason: str = "stop", n_tokens: int = 5
) -> bytes:
    """A plain answer of 10 prompt tokens."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 10, "completion_tokens": n_tokens, "total_tokens": 10 + n_tokens}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return json.dumps(
        {"id": "x", "object": "chat.completion", "model": model, "choices": [choice], "usage": usage}
    ).encode()


def chunk(delta: Mapping[str, Any] | None, *, finish_reason: str | None = None, **more: object) -> bytes:
    """One event of a stream; `delta` None makes a chunk without choices."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    document = {"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": choices, **more}
    return b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """What a fake upstream does with one call: an answer, a stream, or a failure."""

    status: int = 200
    body: bytes | None = None
    events: Sequence[bytes] | None = None
    """Of a stream."""
    breaks: UpstreamError | None = None
    """Raised in place of an answer, or after the events."""
    before_event: Callable[[int], Any] | None = None
    """Awaited before each event of a stream, with its index."""


@dataclass(slots=True)
class FakeUpstream:
    """Plays its script, one entry a call; the last one again and again."""

    script: Sequence[Scripted]
    calls: list[Call] = field(default_factory=list[Call])
    n_open: int = 0
    """Calls that have not ended."""

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Exchange]:
        """Make the call."""
        scripted = self.script[min(len(self.calls), len(self.script) - 1)]
        self.calls.append(call)
        if scripted.breaks is not None and scripted.events is None:
            raise scripted.breaks
        self.n_open += 1
        try:
            yield Exchange(
                status=scripted.status,
                content_type="application/json" if scripted.events is None else "text/event-stream",
                replica="fake://0",
                started_at=0.0,
                body=scripted.body,
                chunks=None if scripted.events is None else _play(scripted, scripted.events),
            )
        finally:
            self.n_open -= 1


async def _play(scripted: Scripted, events: Sequence[bytes]) -> AsyncIterator[bytes]:
    for index, event in enumerate(events):
        if scripted.before_event is not None:
            await scripted.before_event(index)
        yield event
    if scripted.breaks is not None:
        raise scripted.breaks


@dataclass(frozen=True, slots=True)
class FixedScorer:
    """Gives every turn the same complexity."""

    complexity: float
    version: str = "fixed"

    def score(self, turn: Turn) -> Score:
        """Score one turn."""
        return Score(complexity=self.complexity, explanation={"n_tokens": float(turn.n_tokens)})


@dataclass(slots=True)
class Collector:
    """An observer that keeps what it is told."""

    outcomes: list[Outcome] = field(default_factory=list[Outcome])

    def observe(self, outcome: Outcome) -> None:
        """Keep an outcome."""
        self.outcomes.append(outcome)

    @property
    def only(self) -> Outcome:
        """The one outcome."""
        assert len(self.outcomes) == 1, self.outcomes  # noqa: S101 - a fake is used by tests
        return self.outcomes[0]


@dataclass(slots=True)
class Collected:
    """A sink that keeps what it is given, and is never full."""

    pieces: list[bytes] = field(default_factory=list[bytes])

    def write(self, piece: bytes) -> bool:
        """Keep a piece."""
        self.pieces.append(piece)
        return True

    async def drain(self) -> None:
        """There is no need to wait."""

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


@dataclass(slots=True)
class Delivery:
    """Where a pipeline delivers to: keeps the reply, and reads its stream to the end."""

    reply: Reply | None = None
    sink: Collected = field(default_factory=Collected)

    async def take(self, reply: Reply) -> None:
        """Take a reply."""
        self.reply = reply
        if reply.pieces is not None:
            await reply.pieces.pump(self.sink)

    @property
    def body(self) -> bytes:
        """What the client got, whole or not."""
        if self.reply is not None and self.reply.body is not None:
            return self.reply.body
        return self.sink.body


def make_router(
    *, complexity: float = 1.0, mode: Mode = Mode.ROUTE, settings: Mapping[str, Any] | None = None
) -> Router:
    """A router over `TIERS` with a threshold of 4.

    Args:
        complexity: Of every turn.
        mode: The configured mode.
        settings: Fields of `Settings` to replace.
    """
    base: dict[str, Any] = {
        "mode": mode,
        "canary_percent": 0.0,
        "thresholds": {SMALL: 4.0},
        "escalation": EscalationConfig(),
        "record_content": False,
        "max_messages": 100,
        "total_timeout_s": 30.0,
    }
    clock = lambda: 0.0  # noqa: E731 - a clock that stands still
    return Router(
        catalogue=Catalogue(TIERS),
        scorer=FixedScorer(complexity),
        routing=RoutingConfig(),
        settings={None: Settings(**{**base, **(settings or {})})},
        switch=ModeSwitch(),
        memory=Memory(
            conversations=ConversationStore(CacheConfig(), clock=clock),
            decisions=DecisionCache(CacheConfig(), clock=clock),
            config=MemoryConfig(),
            clock=clock,
        ),
    )


def make_pipeline(
    small: FakeUpstream, large: FakeUpstream, *, router: Router | None = None
) -> tuple[Pipeline, Collector]:
    """A pipeline over two fakes, and what collects its outcomes."""
    collector = Collector()
    tiers = {tier.name: tier for tier in TIERS}
    pipeline = Pipeline(
        router=router or make_router(),
        tiers=tiers,
        upstreams={SMALL: small, LARGE: large},
        observers=[collector],
        book=Book(tiers, top=TIERS[-1]),
        clock=lambda: 0.0,
    )
    return pipeline, collector


def make_arrival(text: str = "hello", **fields: Any) -> Arrival:
    """A chat request with one user message.

    Args:
        text: The message.
        fields: Further fields of the request; `model` is `auto` unless given.
    """
    document = {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}
    request = parse(Endpoint.CHAT, json.dumps(document).encode())
    return Arrival(request=request, request_id="r1", received_at=0.0, started_at=0.0)
