"""Requests to the gateway's application without a connection, and an application over fakes."""

import asyncio
import json
from collections.abc import Mapping, Sequence
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
from suffice.server.http import Outlet, Request, Responder
from suffice.server.limits import Turnstile
from suffice.server.models import ModelList
from suffice.server.passthrough import Passthrough
from suffice.server.replicas import ReplicaAdmin
from suffice.server.upload import Upload
from suffice.testing.fakes import Collector, FakeUpstream, Scripted, chat_answer, make_pipeline, make_router
from suffice.vocabulary import TierState

ANSWER = Scripted(body=chat_answer("42"))


@dataclass
class FakeOutlet:
    """Keeps what a client is sent."""

    is_full: bool = False
    """The client does not keep up."""
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    pieces: list[bytes] = field(default_factory=list[bytes])
    is_stream: bool = False
    has_ended: bool = False
    n_drains: int = 0
    """How often it was waited for."""

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> bool:
        self._begin(status, headers)
        self.pieces.append(body)
        self.has_ended = True
        return not self.is_full

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self._begin(status, headers)
        self.is_stream = True

    def write(self, piece: bytes) -> bool:
        assert self.is_stream
        assert not self.has_ended
        self.pieces.append(piece)
        return not self.is_full

    async def drain(self) -> None:
        self.n_drains += 1

    def end(self) -> None:
        assert not self.has_ended
        self.has_ended = True

    def break_off(self, last: bytes) -> None:
        self.write(last)
        self.end()

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        assert self.status is None, "a second response"
        self.status = status
        self.headers = dict(headers)


def make_request(body: bytes | Upload = b"", *, headers: Mapping[str, str] | None = None) -> Request:
    """A request as handlers see it."""
    upload = body if isinstance(body, Upload) else Upload(body)
    return Request("POST", "/v1/chat/completions", b"", headers or {}, upload)


def make_responder(outlet: Outlet) -> Responder:
    """What handlers answer with."""
    return Responder(outlet, {"x-suffice-request-id": "r1"})


async def read_metrics() -> tuple[bytes, str]:
    """A page of metrics and its media type."""
    return b"suffice_up 1\n", "text/plain"


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
                metrics=read_metrics,
                note_refusal=self.refusals.append,
                new_id=lambda: f"r{next(ids)}",
            )
        )

    def ask(
        self, method: str, path: str, document: object = None, *, headers: Mapping[str, str] | None = None
    ) -> FakeOutlet:
        """Make one request and wait for its end; a document that is bytes is sent as it is."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        outlet = FakeOutlet()
        request = Request(method, path, b"", headers or {}, Upload(body if document is not None else b""))
        asyncio.run(self.app.serve(request, Responder(outlet)))
        assert outlet.has_ended
        return outlet

    def chat(self, text: str = "hello", *, headers: Mapping[str, str] | None = None, **fields: Any) -> FakeOutlet:
        """Ask one chat question."""
        document = {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}
        return self.ask("POST", "/v1/chat/completions", document, headers=headers)
