import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from gateway_calls import FakeOutlet

from suffice.errors import UpstreamTimeoutError
from suffice.server.auth import Caller
from suffice.server.config import ServerConfig
from suffice.server.http import Request, Responder
from suffice.server.limits import Turnstile
from suffice.server.passthrough import Passthrough
from suffice.server.upload import Upload
from suffice.testing.fakes import Collector
from suffice.upstream.call import Call, Exchange

PATH = "/v1/embeddings"


class SilentUpstream:
    """Takes calls and never answers."""

    def __init__(self) -> None:
        self.n_open = 0
        self.called = asyncio.Event()

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Exchange]:
        self.n_open += 1
        self.called.set()
        try:
            await asyncio.Event().wait()
            yield Exchange(status=200, content_type="", replica="", started_at=0.0)
        finally:
            self.n_open -= 1


async def pass_on(upstream: SilentUpstream, collector: Collector, *, total_timeout_s: float) -> None:
    passthrough = Passthrough(
        upstreams={PATH: upstream},
        observers=[collector],
        config=ServerConfig(total_timeout_s=total_timeout_s),
        turnstile=Turnstile(1),
        clock=lambda: 0.0,
        wall_clock=lambda: 0.0,
        config_hash="",
    )
    outlet = FakeOutlet()
    request = Request("POST", PATH, b"", {}, Upload(b"{}"))
    try:
        await passthrough.answer(request, Responder(outlet, {"x-suffice-request-id": "r1"}), Caller())
    finally:
        assert outlet.status is None, "nobody should be answered"


def test_a_client_that_leaves_ends_a_passed_call() -> None:
    upstream, collector = SilentUpstream(), Collector()

    async def run() -> None:
        passing = asyncio.create_task(pass_on(upstream, collector, total_timeout_s=30.0))
        await upstream.called.wait()
        passing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await passing

    asyncio.run(run())

    assert upstream.n_open == 0
    assert collector.only.cancelled


def test_a_passed_call_has_the_deadline_of_every_request() -> None:
    upstream, collector = SilentUpstream(), Collector()

    with pytest.raises(UpstreamTimeoutError, match=r"/v1/embeddings took longer than 0\.01 s"):
        asyncio.run(pass_on(upstream, collector, total_timeout_s=0.01))

    assert upstream.n_open == 0
    assert collector.only.error == "upstream_timeout"
