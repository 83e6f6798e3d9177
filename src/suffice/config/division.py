"""A worker's part of a configuration: what bounds the whole gateway is divided among its workers."""

from collections.abc import Mapping
from dataclasses import replace

from suffice.config.sections import Config
from suffice.policy.config import ProfileConfig
from suffice.upstream.config import TierConfig, UpstreamConfig


def divide(config: Config, n_workers: int) -> Config:
    """One of several workers' parts; rounded up, so that no limit becomes 0.

    Caches and memories are each worker's own and as large as the file says.

    Args:
        config: Of the whole gateway.
        n_workers: How many there are.
    """
    if n_workers == 1:
        return config
    server = replace(
        config.server,
        max_concurrent_requests=_part(config.server.max_concurrent_requests, n_workers),
        max_connections=_part(config.server.max_connections, n_workers),
    )
    return replace(
        config,
        server=server,
        tiers=[_divide_tier(tier, n_workers) for tier in config.tiers],
        upstream=_divide_upstream(config.upstream, n_workers),
        profiles=_divide_profiles(config.profiles, n_workers),
    )


def _divide_tier(tier: TierConfig, n: int) -> TierConfig:
    slots = None if tier.slots is None else _part(tier.slots, n)
    return replace(tier, slots=slots, queue=replace(tier.queue, max_waiting=_part(tier.queue.max_waiting, n)))


def _divide_upstream(upstream: UpstreamConfig, n: int) -> UpstreamConfig:
    budget = replace(upstream.retry_budget, min_per_s=upstream.retry_budget.min_per_s / n)
    return replace(upstream, max_connections=_part(upstream.max_connections, n), retry_budget=budget)


def _divide_profiles(profiles: Mapping[str, ProfileConfig], n: int) -> dict[str, ProfileConfig]:
    divided: dict[str, ProfileConfig] = {}
    for name, profile in profiles.items():
        limit = profile.limits.max_concurrent_requests
        part = None if limit is None else _part(limit, n)
        divided[name] = replace(profile, limits=replace(profile.limits, max_concurrent_requests=part))
    return divided


def _part(whole: int, n: int) -> int:
    return -(-whole // n)
