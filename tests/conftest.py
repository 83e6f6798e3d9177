"""Servers that several folders of tests share: started once, stopped at the end."""

from collections.abc import Generator

import pytest

from suffice.testing import LARGE_MODEL, SMALL_MODEL, Server, run_gateway, run_loopback, write_settings


@pytest.fixture(scope="session")
def small_upstream() -> Generator[Server]:
    """A loopback upstream that behaves like vLLM and echoes what it received."""
    with run_loopback("--model", SMALL_MODEL, "--name", "small-0", "--dialect", "vllm", "--echo") as server:
        yield server


@pytest.fixture(scope="session")
def large_upstream() -> Generator[Server]:
    """A loopback upstream that behaves like OpenAI and echoes what it received."""
    with run_loopback("--model", LARGE_MODEL, "--name", "large-0", "--dialect", "openai", "--echo") as server:
        yield server


@pytest.fixture(scope="session")
def gateway(
    small_upstream: Server, large_upstream: Server, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server]:
    """A gateway over both; the first tier's answer is final, so that any answer may be compared with the direct one."""
    passthrough = {"/v1/embeddings": {"base_url": f"{large_upstream.address}/v1"}}
    config = write_settings(
        tmp_path_factory.mktemp("gateway"),
        small=[small_upstream.address],
        large=[large_upstream.address],
        sections={"passthrough": passthrough, "escalation": {"enabled": False}},
    )
    with run_gateway(config) as server:
        yield server
