"""What comes into the pipeline, and what goes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from suffice.pipeline.ports import Pieces
from suffice.pipeline.reading import Reading
from suffice.policy.config import EscalationConfig
from suffice.vocabulary import Mode, Outcome, Priority, TierName
from suffice.wire.request import GenerationRequest


class Arrival(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request, with what its headers say."""

    request: GenerationRequest
    request_id: str
    received_at: float
    """Unix time."""
    started_at: float
    """Monotonic clock, seconds."""
    key_id: str | None = None
    """Name of the API key."""
    profile: str | None = None
    """Of the API key; that of a model alias comes first."""
    min_tier: str | None = None
    session: str | None = None
    """As the client names its conversation."""
    priority: Priority = Priority.NORMAL
    """Who is served first where there is not room for all."""
    explain: bool = False
    """The client wants to know what moved the score."""
    use_cache: bool = True
    headers: Mapping[str, str] = {}
    """Those that upstreams should see."""
    reading: Reading | None = None
    """Of the request, where `Router.read` made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is in force for a profile; resolved when the configuration is read, and again with each new bundle."""

    mode: Mode
    canary_percent: float
    thresholds: Mapping[TierName, float]
    escalation: EscalationConfig
    record_content: bool
    max_messages: int
    total_timeout_s: float
    max_concurrent_requests: int | None = None
    """Of the profile alone."""


@dataclass(slots=True)
class ModeSwitch:
    """The mode set while running; it holds for every profile, so that it also is the kill switch."""

    mode: Mode | None = None
    """None: as configured."""
    canary_percent: float | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the client gets. That it exists means that an answer was committed to."""

    status: int
    content_type: str
    outcome: Outcome
    body: bytes | None = None
    pieces: Pieces | None = None
    """Of a stream."""
