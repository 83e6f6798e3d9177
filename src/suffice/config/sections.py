"""The root of `suffice.yaml`: each key is a section that its user declares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from suffice.caching.config import CacheConfig
from suffice.policy.config import AliasConfig, EscalationConfig, ProfileConfig, RoutingConfig
from suffice.recording.config import RecordingConfig
from suffice.scoring.config import ScorerConfig
from suffice.server.config import AuthConfig, ServerConfig
from suffice.upstream.config import PassthroughConfig, TierConfig, UpstreamConfig

DEFAULT_FIRST_THRESHOLD = 4.0
"""Highest complexity of the first tier where the file names none: the published report's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of `suffice.yaml`."""

    tiers: Sequence[TierConfig]
    """The rungs of the ladder, cheapest first."""
    routing: RoutingConfig = field(default_factory=RoutingConfig)
    scorer: ScorerConfig = field(default_factory=ScorerConfig)
    escalation: EscalationConfig = field(default_factory=EscalationConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    recording: RecordingConfig = field(default_factory=RecordingConfig)
    server: ServerConfig = field(default_factory=ServerConfig)
    auth: AuthConfig = field(default_factory=AuthConfig)
    upstream: UpstreamConfig = field(default_factory=UpstreamConfig)
    passthrough: Mapping[str, PassthroughConfig] = field(default_factory=dict[str, PassthroughConfig])
    """Paths such as `/v1/embeddings` that are passed untouched to a server."""
    profiles: Mapping[str, ProfileConfig] = field(default_factory=dict[str, ProfileConfig])
    """Settings of single applications, by name."""
    aliases: Mapping[str, AliasConfig] = field(default_factory=dict[str, AliasConfig])
    """Model names that clients use today."""


def resolved_thresholds(
    config: Config, profile: str | None = None, *, first: float = DEFAULT_FIRST_THRESHOLD
) -> dict[str, float]:
    """Highest complexity of each tier but the top, cheapest first, as they hold without or with a profile.

    The configuration has passed its checks: each of these tiers has one.

    Args:
        config: All of the file.
        profile: Whose thresholds; None: those of requests without one.
        first: The first tier's, where the file names none.
    """
    given = {**config.routing.max_complexity}
    if profile is not None:
        given |= config.profiles[profile].max_complexity
    lower = [tier.name for tier in config.tiers[:-1]]
    return {name: given.get(name, first) for name in lower}
