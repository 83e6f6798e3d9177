"""The `routing`, `escalation`, `profiles` and `aliases` sections of `suffice.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from suffice.vocabulary import Mode

Complexity = Annotated[float, Meta(ge=0, le=10)]
Percent = Annotated[float, Meta(ge=0, le=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryConfig:
    """How long an escalation is remembered."""

    repeats: Annotated[float, Meta(ge=1)] = 2.0
    """Escalations of one and the same prompt before it goes straight up; 1: the next time already."""
    half_life_s: Annotated[float, Meta(gt=0)] = 3600.0
    """After this time an escalation of a prompt counts half."""
    turn_decay: Annotated[float, Meta(gt=0, le=1)] = 0.8
    """With each further turn an escalation of the conversation counts this much less; it holds down to one half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingConfig:
    """Which tier is asked first."""

    mode: Mode = Mode.OBSERVE
    """`observe`: the top tier answers and decisions are only recorded; `canary`; `route`."""
    canary_percent: Percent = 5.0
    """Share of the conversations that `canary` routes."""
    max_complexity: Mapping[str, Complexity] = field(default_factory=dict[str, float])
    """Highest complexity each tier but the top takes, rising from tier to tier. By default the first's is what the
    bundle was calibrated to, else 4.0; what is written here wins."""
    accept_generic_bundle: bool = False
    """Let `canary` and `route` go by a bundle that was not trained on your own outcomes; `observe` always may."""
    turn_decay: Annotated[float, Meta(ge=0, le=1)] = 0.8
    """How much of an earlier turn's complexity a follow-up inherits, per turn."""
    max_turns: Annotated[int, Meta(ge=1, le=100)] = 12
    """Turns looked back at; by then 0.8^12 leaves 7 %."""
    escalation_memory: MemoryConfig = field(default_factory=MemoryConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationConfig:
    """When another tier is asked after an answer."""

    enabled: bool = True
    """Off: the first tier's answer is final; failures still fall back to the next tier up."""
    max_per_request: Annotated[int, Meta(ge=0, le=10)] = 1
    """Rejected answers per request; the next one is served as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRecordingConfig:
    """What a profile changes in `recording`."""

    content: bool | None = None
    """Keep prompts and answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileLimitsConfig:
    """What a profile changes in the limits."""

    max_concurrent_requests: Annotated[int, Meta(ge=1)] | None = None
    """Requests of this profile at once."""
    max_messages: Annotated[int, Meta(ge=1)] | None = None
    """Messages per request."""
    total_timeout_s: Annotated[float, Meta(gt=0)] | None = None
    """Longest time for one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileConfig:
    """Settings of one application, chosen by API key or model alias; what is not given stays as it is."""

    mode: Mode | None = None
    """Mode for this application."""
    canary_percent: Percent | None = None
    """Share that `canary` routes."""
    max_complexity: Mapping[str, Complexity] = field(default_factory=dict[str, float])
    """Thresholds for this application."""
    recording: ProfileRecordingConfig = field(default_factory=ProfileRecordingConfig)
    limits: ProfileLimitsConfig = field(default_factory=ProfileLimitsConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasConfig:
    """What a model name that clients use today means: a profile, or a tier."""

    profile: str | None = None
    """Route with this profile."""
    tier: str | None = None
    """Go to this tier, without routing."""
    model: str | None = None
    """With `tier`: the name sent to its servers instead of the tier's model, such as a LoRA adapter."""
