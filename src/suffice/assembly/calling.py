"""What calls the tiers' servers, made of a configuration."""

import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from suffice.config import Loaded
from suffice.config.tls import upstream_tls
from suffice.pipeline.ports import Upstream
from suffice.upstream.client import Client
from suffice.upstream.config import QueueConfig, TierConfig
from suffice.upstream.health import Health
from suffice.upstream.origin import Origin
from suffice.upstream.pool import Pool
from suffice.upstream.queue import Queue
from suffice.upstream.recorded import RecordedUpstream
from suffice.upstream.replica import UNLIMITED, Replica
from suffice.vocabulary import TierName


@asynccontextmanager
async def open_upstreams(loaded: Loaded, tiers: Sequence[TierConfig]) -> AsyncGenerator[list[Upstream]]:
    """Open pools as the gateway has them, for the lab; leaving the context closes their connections.

    Args:
        loaded: A configuration without mistakes.
        tiers: What to open: some of its tiers, or others whose `api_key_env` is among its secrets.

    Returns:
        One for each, in their order.

    Raises:
        TapeError: A tape cannot be read.
    """
    draw = random.Random().random  # noqa: S311 - spreads load and pauses
    async with AsyncExitStack() as stack:
        # The lab bounds its calls itself, and would rather wait than be refused.
        unbounded = [replace(tier, slots=None) for tier in tiers]
        yield [open_tier(tier, loaded, stack, draw) for tier in unbounded]


def open_tier(
    tier: TierConfig, loaded: Loaded, stack: AsyncExitStack, draw: Callable[[], float]
) -> Pool | RecordedUpstream:
    """What calls one tier; its connections are closed with `stack`.

    Raises:
        TapeError: A tape cannot be read.
    """
    if tier.tape is not None:
        return RecordedUpstream(TierName(tier.name), tier.tape)
    servers = [(url.rstrip("/"), tier.api_key_env) for url in tier.base_urls]
    replicas = _open_replicas(servers, loaded, stack, slots=tier.slots or UNLIMITED)
    return Pool(replicas, loaded.config.upstream, Queue(tier.name, tier.queue), draw=draw)


def open_passthrough(loaded: Loaded, stack: AsyncExitStack, draw: Callable[[], float]) -> dict[str, Pool]:
    """What calls the servers behind passed paths, by path."""
    targets = loaded.config.passthrough
    servers = [
        (target.base_url.rstrip("/") + path.removeprefix("/v1"), target.api_key_env) for path, target in targets.items()
    ]
    config = loaded.config.upstream
    return {
        path: Pool([replica], config, Queue(path, QueueConfig()), draw=draw)
        for path, replica in zip(targets, _open_replicas(servers, loaded, stack), strict=True)
    }


def _open_replicas(
    servers: Sequence[tuple[str, str | None]], loaded: Loaded, stack: AsyncExitStack, *, slots: int = UNLIMITED
) -> list[Replica]:
    """One for each address, with the variable that holds its key."""
    config = loaded.config.upstream
    # Reading the system's certificates takes longer than all the rest.
    is_tls = any(url.startswith("https:") for url, _ in servers)
    trust = upstream_tls(loaded.config, loaded.folder) if is_tls else None
    replicas: list[Replica] = []
    for url, key_env in servers:
        origin = Origin(url, config, trust)
        stack.callback(origin.close)
        client = Client(origin, _key_header(loaded, key_env))
        replicas.append(Replica(client, Health(config.ejection, config.checks), slots))
    return replicas


def _key_header(loaded: Loaded, variable: str | None) -> Mapping[str, str]:
    return {} if variable is None else {"authorization": f"Bearer {loaded.secrets[variable].reveal()}"}
