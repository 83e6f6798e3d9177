"""The words of suffice, one per idea; every stage speaks these and nothing else.

Times are seconds. Those of an attempt count from the moment its request was received.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NewType

import msgspec

TierName = NewType("TierName", str)
Usd = NewType("Usd", float)
Probability = NewType("Probability", float)

FEATURES_VERSION = 2
"""Raised whenever `Features` or `Turn` change their meaning; part of every cache key and bundle."""

MAX_COMPLEXITY = 10.0


class Mode(StrEnum):
    """What the gateway does with its decisions."""

    OBSERVE = "observe"
    """The top tier answers; decisions are only recorded."""
    CANARY = "canary"
    """A share of the conversations is routed, the rest observed."""
    ROUTE = "route"


class Reason(StrEnum):
    """Why a tier came first: a closed set."""

    EXPLICIT = "explicit"
    """The client named a tier or its model."""
    CAPABILITY = "capability"
    """Another tier would have come first, but lacks the context, tools, images or schema asked for."""
    MIN_TIER = "min_tier"
    """The client set a lowest tier."""
    TOOL_LOOP = "tool_loop"
    """Inside a tool loop the tier never goes down."""
    ESCALATED_BEFORE = "escalated_before"
    """This conversation, or this very prompt, was escalated before."""
    INHERITED = "inherited"
    """An earlier turn of the conversation was harder than this one."""
    SUFFICES = "suffices"
    """The complexity is within the tier's threshold."""
    HARD = "hard"
    """The complexity is above every lower tier's threshold."""
    OBSERVE = "observe"
    """The mode keeps routing off; `proposal` says what would have been done."""
    CANARY = "canary"
    """The conversation is outside the canary share; `proposal` says what would have been done."""


class Role(StrEnum):
    """What an attempt was for."""

    SERVE = "serve"
    """Its answer, or its error, went to the client."""
    DRAFT = "draft"
    """It failed or was rejected; the client never saw it."""
    ROUTER = "router"
    SHADOW = "shadow"
    JUDGE = "judge"


class HealthState(StrEnum):
    """Whether a replica gets calls."""

    HEALTHY = "healthy"
    """It is in service."""
    EJECTED = "ejected"
    """It is left out until its next trial is due."""
    HALF_OPEN = "half_open"
    """A single call tries it."""


class Priority(IntEnum):
    """Who is served first where there is not room for all."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


class VerdictReason(StrEnum):
    """Why an answer was accepted or escalated: a closed set."""

    ACCEPTED = "accepted"
    TOP = "top"
    """There is no tier above; nothing was judged."""
    REFUSED = "refused"
    """The upstream refused the request itself, as any tier would: its error goes to the client."""
    CUT = "cut"
    """Ended at the model's own limit, before the client's."""
    EMPTY = "empty"
    INVALID_JSON = "invalid_json"
    CONTEXT = "context"
    """The upstream said the conversation does not fit its context."""
    FAILED = "failed"
    """The upstream did not answer."""


class CacheUse(StrEnum):
    """What the decision cache did for a request."""

    HIT = "hit"
    MISS = "miss"
    OFF = "off"


class Price(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a tier's tokens cost, in USD per million."""

    input: float = 0.0
    cached_input: float | None = None
    """None: cached input costs what other input costs."""
    output: float = 0.0


class Capabilities(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a tier's model can be asked for."""

    context_tokens: int | None = None
    """Prompt and answer together; None: unknown, never a reason to skip the tier."""
    tools: bool = True
    images: bool = False
    json_schema: bool = True
    logprobs: bool = True


class Tier(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rung of the ladder. Tiers are always held in a tuple, cheapest first."""

    name: TierName
    model: str
    """The name the upstream knows the model by."""
    price: Price = Price()
    capabilities: Capabilities = Capabilities()


class Turn(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One user turn, as scorers see it."""

    text: str
    """The user's own words. System prompts, tools and long passages are left out."""
    n_tokens: int
    """Estimated tokens of `text`."""
    n_constant_tokens: int = 0
    """Estimated tokens of what was left out around it."""


class Features(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a request before anything is called."""

    turns: tuple[Turn, ...]
    """User turns, the newest first; never empty."""
    n_prompt_tokens: int
    """Estimated tokens of the whole prompt: messages, tools, chat template."""
    n_answer_tokens: int | None = None
    """The client's limit on the answer; None: not limited."""
    n_messages: int = 1
    n_images: int = 0
    has_tools: bool = False
    wants_json_schema: bool = False
    wants_json: bool = False
    in_tool_loop: bool = False
    """The last message is a tool's result: the turn goes on."""


class Score(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a scorer says of one turn."""

    complexity: float
    """In [0, 10]; 0: send it to the smallest tier, 10: the largest gains most."""
    p_ok: Mapping[TierName, float] = {}
    """Calibrated probability that a tier's answer is acceptable; empty for uncalibrated scorers."""
    explanation: Mapping[str, float] = {}
    """What moved the score, by name."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A tier with the reason for it."""

    tier: TierName
    reason: Reason


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which tier is asked first, and why."""

    tier: TierName
    reason: Reason
    ladder: tuple[TierName, ...]
    """`tier` and the eligible tiers above it, cheapest first: where escalation and fallback may go."""
    complexity: float | None = None
    """Of the conversation, in [0, 10]; None where routing was bypassed."""
    own_complexity: float | None = None
    """Of the last turn alone."""
    p_ok: Mapping[TierName, float] = {}
    thresholds: Mapping[TierName, float] = {}
    """Highest complexity of each tier but the top, as they held for this request."""
    skipped: Mapping[TierName, str] = {}
    """Tiers that cannot serve the request, and what they lack."""
    explanation: Mapping[str, float] = {}
    proposal: Proposal | None = None
    """What `route` mode would have done, where another mode is in force."""


class Token(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One generated token."""

    text: str
    logprob: float
    second_logprob: float | None = None
    """Of the most likely other token, where known."""


class Usage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Tokens of one attempt."""

    prompt_tokens: int = 0
    """Includes the cached ones."""
    cached_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    """The upstream did not say: counted by the gateway, as far as the call ran."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whether an answer may go to the client, and why."""

    accepted: bool
    reason: VerdictReason
    confidence: float | None = None
    """Calibrated probability that the answer is acceptable; None: nothing measured it."""
    signals: Mapping[str, float] = {}


class Attempt(msgspec.Struct, kw_only=True, gc=False):
    """One upstream call; filled while it runs."""

    tier: TierName
    model: str
    started_s: float
    role: Role = Role.SERVE
    replica: str = ""
    status: int | None = None
    """HTTP status; None where no answer came."""
    first_token_s: float | None = None
    duration_s: float | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    cost_usd: Usd = Usd(0.0)
    verdict: Verdict | None = None
    error: str | None = None
    """Code of the error, as in the error tree."""
    answer: str | None = None
    """Only where content is recorded."""
    tokens: tuple[Token, ...] = ()


class Outcome(msgspec.Struct, kw_only=True, gc=False):
    """Everything that happened to one request; telemetry, records and headers all read this."""

    request_id: str
    received_at: float
    """Unix time."""
    endpoint: str
    """Path, such as `/v1/chat/completions`."""
    model_asked: str = ""
    streamed: bool = False
    key_id: str | None = None
    """Name of the API key."""
    profile: str | None = None
    session: str | None = None
    mode: Mode = Mode.ROUTE
    scorer: str = ""
    """Version of the scorer."""
    bundle_id: str | None = None
    config_hash: str = ""
    decision: Decision | None = None
    features: Features | None = None
    attempts: list[Attempt] = []
    cache: CacheUse = CacheUse.OFF
    routing_s: float = 0.0
    """Time from the parsed request to the decision."""
    status: int | None = None
    """HTTP status the client got; None where it hung up before."""
    error: str | None = None
    """Code of the error the client got, also after the first byte of a stream."""
    cancelled: bool = False
    """The client hung up."""
    first_byte_s: float | None = None
    duration_s: float = 0.0
    shadow_probability: float | None = None
    prompt: str | None = None
    """The messages as JSON; only where content is recorded."""
    always_large_usd: Usd = Usd(0.0)
    """What the same tokens cost on the top tier."""

    @property
    def cost_usd(self) -> Usd:
        """Of all attempts, rejected drafts and router calls included."""
        return Usd(sum(attempt.cost_usd for attempt in self.attempts))

    @property
    def served(self) -> Attempt | None:
        """The attempt whose answer went to the client."""
        for attempt in reversed(self.attempts):
            if attempt.role is Role.SERVE:
                return attempt
        return None

    @property
    def escalated(self) -> bool:
        """Another tier than the first one served, for whatever reason."""
        served = self.served
        return served is not None and self.decision is not None and served.tier != self.decision.tier


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaState:
    """How one replica of a tier is."""

    replica: str
    """Its base URL."""
    health: HealthState
    in_flight: int
    slots: int | None
    """Calls that it gets at once; None: as many as come."""
    n_calls: int
    """So far."""
    n_failures: int = 0
    """In a row."""
    n_failed_checks: int = 0
    """In a row."""
    n_ejections: int = 0
    """So far."""
    trial_in_s: float | None = None
    """Time until a call tries it again, where it is ejected."""
    latency_s: float | None = None
    """Moving average of the time to the first byte; None: it has not answered yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierState:
    """How the replicas of a tier are, and who waits for them."""

    tier: str
    replicas: Sequence[ReplicaState]
    n_waiting: int
    max_waiting: int
    n_shed: Mapping[tuple[str, Priority], int] = field(default_factory=dict[tuple[str, Priority], int])
    """Calls that were not served for want of room so far, by why and priority."""
    drain_s: float | None = None
    """Mean time between two places that come free while calls wait; None: not known."""
    n_retries: int = 0
    n_retries_denied: int = 0
    """Further tries and hedges that the retry budget had no token for."""
    n_hedges: int = 0
    retry_tokens: float = 0.0
    """Further tries that the budget has left."""
