"""Both ways to each upstream."""

from collections.abc import Generator
from contextlib import ExitStack

import openai
import pytest
from contract_sides import Side, Sides

from suffice.testing import LARGE_MODEL, SMALL_MODEL, Server


@pytest.fixture(scope="session")
def clients(small_upstream: Server, large_upstream: Server, gateway: Server) -> Generator[dict[str, openai.OpenAI]]:
    """One official client per address: making one reads the machine's certificates, which takes its time."""
    with ExitStack() as stack:
        yield {
            server.address: stack.enter_context(
                openai.OpenAI(base_url=f"{server.address}/v1", api_key="sk-any", max_retries=0, timeout=20.0)
            )
            for server in (small_upstream, large_upstream, gateway)
        }


@pytest.fixture(params=["small by its model's name", "large by its tier's name", "auto"])
def sides(
    request: pytest.FixtureRequest,
    small_upstream: Server,
    large_upstream: Server,
    gateway: Server,
    clients: dict[str, openai.OpenAI],
) -> Sides:
    """`small` speaks vLLM's dialect, `large` OpenAI's; `auto` is made to go to `small`."""
    upstream, model, asked = {
        "small by its model's name": (small_upstream, SMALL_MODEL, SMALL_MODEL),
        "large by its tier's name": (large_upstream, LARGE_MODEL, "large"),
        "auto": (small_upstream, SMALL_MODEL, "auto@10"),
    }[request.param]
    return Sides(
        Side(upstream.address, model, clients[upstream.address]),
        Side(gateway.address, asked, clients[gateway.address]),
        upstream,
    )
