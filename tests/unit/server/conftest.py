import asyncio
from collections.abc import Generator

import pytest
import uvloop
from raw_clients import Wire


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def wire(request: pytest.FixtureRequest) -> Generator[Wire]:
    """Both event loops that the gateway may be served with."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield Wire(runner.run)
