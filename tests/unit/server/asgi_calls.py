"""Requests to the gateway's application without a socket, and an application over fakes."""

import asyncio
import json
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from suffice.pipeline.routing import Router
from suffice.server.admin import ModeAdmin
from suffice.server.app import App, Parts
from suffice.server.auth import Authenticator
from suffice.server.bundles import BundleAdmin
from suffice.server.config import AuthConfig, ServerConfig
from suffice.server.feedback import Feedback, LabelSink
from suffice.server.generate import Generation
from suffice.server.http import Request, Responder
from suffice.server.limits import Turnstile
from suffice.server.models import ModelList
from suffice.server.passthrough import Passthrough
from suffice.server.replicas import ReplicaAdmin
from suffice.testing.fakes import Collector, FakeUpstream, Scripted, chat_answer, make_pipeline, make_router
from suffice.vocabulary import TierState

Message = MutableMapping[str, Any]
ANSWER = Scripted(body=chat_answer("42"))


@dataclass
class Wire:
    """What a client sends, message by message, and what it is sent."""

    pieces: Sequence[bytes] = (b"",)
    """Of the body."""
    leaves: bool = False
    """Hang up after the last piece; else wait for the answer."""
    is_whole: bool = True
    """The last piece ends the body."""
    sent: list[Message] = field(default_factory=list[Message])
    _position: int = 0

    async def receive(self) -> Message:
        position, self._position = self._position, self._position + 1
        if position < len(self.pieces):
            is_last = position == len(self.pieces) - 1
            return {
                "type": "http.request",
                "body": self.pieces[position],
                "more_body": not (is_last and self.is_whole),
            }
        if not self.leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int | None:
        """Of the response's head."""
        return self.sent[0]["status"] if self.sent else None

    @property
    def headers(self) -> dict[str, str]:
        """Of the response's head."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def make_scope(method: str, path: str, headers: Mapping[str, str] | None = None) -> Message:
    """The head of a request."""
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return {"method": method, "raw_path": path.encode("latin-1"), "query_string": b"", "headers": lines}


def make_request(wire: Wire, *, headers: Mapping[str, str] | None = None) -> Request:
    """A request as handlers see it."""
    return Request.of(make_scope("POST", "/v1/chat/completions", headers), wire.receive)


def make_responder(wire: Wire) -> Responder:
    """What handlers answer with."""
    return Responder(wire.send, {"x-suffice-request-id": "r1"})


@dataclass
class Gateway:
    """An application over fakes, with what there is to look at."""

    small: FakeUpstream = field(default_factory=lambda: FakeUpstream([ANSWER]))
    large: FakeUpstream = field(default_factory=lambda: FakeUpstream([ANSWER]))
    passed: FakeUpstream = field(default_factory=lambda: FakeUpstream([ANSWER]))
    router: Router = field(default_factory=make_router)
    config: ServerConfig = field(default_factory=ServerConfig)
    auth: AuthConfig = field(default_factory=AuthConfig)
    refusals: list[str] = field(default_factory=list[str])
    labels: LabelSink | None = None
    tier_states: Sequence[TierState] = ()
    turnstile: Turnstile = field(default_factory=lambda: Turnstile(limit=10))
    collector: Collector = field(init=False)
    app: App = field(init=False)

    def __post_init__(self) -> None:
        pipeline, self.collector = make_pipeline(self.small, self.large, router=self.router)
        clock = lambda: 0.0  # noqa: E731 - a clock that stands still
        ids = count(1)
        self.app = App(
            Parts(
                generation=Generation(
                    pipeline=pipeline,
                    config=self.config,
                    turnstile=self.turnstile,
                    clock=clock,
                    wall_clock=clock,
                ),
                models=ModelList(self.router.catalogue, started_at=7),
                passthrough=Passthrough(
                    upstreams={"/v1/embeddings": self.passed},
                    observers=[self.collector],
                    config=self.config,
                    turnstile=self.turnstile,
                    clock=clock,
                    wall_clock=clock,
                    config_hash="hash",
                ),
                admin=ModeAdmin(lambda: pipeline.router, self.router.switch),
                bundles=BundleAdmin(lambda: pipeline.router),
                replicas=ReplicaAdmin(lambda: self.tier_states),
                feedback=Feedback(self.labels),
                authenticator=Authenticator(self.auth),
                metrics=lambda: (b"suffice_up 1\n", "text/plain"),
                note_refusal=self.refusals.append,
                new_id=lambda: f"r{next(ids)}",
            )
        )

    def ask(self, method: str, path: str, document: object = None, *, headers: Mapping[str, str] | None = None) -> Wire:
        """Make one request and wait for its end; a document that is bytes is sent as it is."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        wire = Wire(pieces=[body if document is not None else b""])
        asyncio.run(self.app(make_scope(method, path, headers), wire.receive, wire.send))
        return wire

    def chat(self, text: str = "hello", *, headers: Mapping[str, str] | None = None, **fields: Any) -> Wire:
        """Ask one chat question."""
        document = {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}
        return self.ask("POST", "/v1/chat/completions", document, headers=headers)
