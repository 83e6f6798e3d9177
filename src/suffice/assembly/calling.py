"""What calls the tiers' servers, made of a configuration."""

import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from suffice.config import Loaded
from suffice.pipeline.ports import Upstream
from suffice.upstream.client import Client
from suffice.upstream.config import QueueConfig, TierConfig, UpstreamConfig
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
    headers = _key_header(loaded, tier.api_key_env)
    config = loaded.config.upstream
    replicas = [
        _open_replica(url.rstrip("/"), config, headers, stack, slots=tier.slots or UNLIMITED) for url in tier.base_urls
    ]
    return Pool(replicas, config, Queue(tier.name, tier.queue), draw=draw)


def open_passthrough(loaded: Loaded, stack: AsyncExitStack, draw: Callable[[], float]) -> dict[str, Pool]:
    """What calls the servers behind passed paths, by path."""
    config = loaded.config.upstream
    opened: dict[str, Pool] = {}
    for path, target in loaded.config.passthrough.items():
        url = target.base_url.rstrip("/") + path.removeprefix("/v1")
        replica = _open_replica(url, config, _key_header(loaded, target.api_key_env), stack)
        opened[path] = Pool([replica], config, Queue(path, QueueConfig()), draw=draw)
    return opened


def _open_replica(
    url: str, config: UpstreamConfig, headers: Mapping[str, str], stack: AsyncExitStack, *, slots: int = UNLIMITED
) -> Replica:
    origin = Origin(url, config)
    stack.callback(origin.close)
    return Replica(Client(origin, headers), Health(config.ejection, config.checks), slots)


def _key_header(loaded: Loaded, variable: str | None) -> Mapping[str, str]:
    return {} if variable is None else {"authorization": f"Bearer {loaded.secrets[variable].reveal()}"}
