"""The `cache` section of `suffice.yaml`."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheConfig:
    """What is remembered between requests, in memory."""

    enabled: bool = True
    """Keep scores and escalations of prompts seen before, and the latest requests themselves, up to 8 MB of them."""
    max_entries: Annotated[int, Meta(ge=1)] = 100_000
    """Prompts remembered; the least recently used goes first."""
    max_bytes: Annotated[int, Meta(ge=1024)] = 64 * 1024 * 1024
    """Memory for them, as estimated."""
    ttl_s: Annotated[float, Meta(gt=0)] = 86_400.0
    """Time after which a prompt is scored afresh."""
    max_conversations: Annotated[int, Meta(ge=1)] = 50_000
    """Conversations remembered for tool loops and escalations."""
    conversation_ttl_s: Annotated[float, Meta(gt=0)] = 7_200.0
    """Time after which a silent conversation is forgotten."""
