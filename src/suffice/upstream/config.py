"""The `tiers`, `upstream` and `passthrough` sections of `suffice.yaml`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
UsdPerMillion = Annotated[float, Meta(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceConfig:
    """What a tier costs, in USD per million tokens. Prices by GPU-hour come with `suffice estimate`."""

    input: UsdPerMillion = 0.0
    """USD per million prompt tokens."""
    cached_input: UsdPerMillion | None = None
    """USD per million prompt tokens that the upstream reports as cached; by default the same as `input`."""
    output: UsdPerMillion = 0.0
    """USD per million generated tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportsConfig:
    """What the tier's model can be asked for; requests that need more skip the tier."""

    tools: bool = True
    """Tool calls."""
    images: bool = False
    """Images in messages."""
    json_schema: bool = True
    """`response_format` with a schema."""
    logprobs: bool = True
    """Token logprobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeConfig:
    """Serve recorded answers instead of a server: what `suffice demo` does."""

    model: str
    """Name of a recorded model: `qwen2.5-coder-0.5b`, `qwen2.5-coder-1.5b` or `smollm2-135m`."""
    replicas: Annotated[int, Meta(ge=1, le=64)] = 1
    """Replicas that play the tape."""
    slots: Annotated[int, Meta(ge=1, le=4096)] = 4
    """Answers each replica plays at once; more wait in a queue."""
    speedup: Annotated[float, Meta(gt=0)] = 1.0
    """How many times faster than recorded; 0.5 is half as fast."""
    max_queue: Annotated[int, Meta(ge=0)] = 10_000
    """Requests that wait for a slot at most; more are refused as busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueConfig:
    """Where calls wait when every replica of a tier is at its `slots`."""

    max_waiting: Annotated[int, Meta(ge=0)] = 256
    """Calls that wait at most; where it is full, a call of higher priority takes a place from a lower one."""
    timeout_s: Seconds = 10.0
    """Longest wait; a call that would probably wait longer is refused at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierConfig:
    """One rung of the ladder."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
    """What the tier is called in thresholds, headers and metrics: `small`, `large`."""
    model: str
    """The name the upstream knows the model by."""
    base_urls: Sequence[str] = ()
    """OpenAI-compatible servers with this model, one per replica: `http://127.0.0.1:8000/v1`."""
    slots: Annotated[int, Meta(ge=1)] | None = None
    """Calls that each replica gets at once; more wait in the queue. Not given: as many as come."""
    queue: QueueConfig = field(default_factory=QueueConfig)
    api_key_env: str | None = None
    """Environment variable that holds the key sent to the servers."""
    context_tokens: Annotated[int, Meta(gt=0)] | None = None
    """Context size, prompt and answer together; unknown if not given."""
    supports: SupportsConfig = field(default_factory=SupportsConfig)
    price: PriceConfig = field(default_factory=PriceConfig)
    tape: TapeConfig | None = None
    """Recorded answers in place of `base_urls`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AffinityConfig:
    """Keeping a conversation on one replica, whose prefix cache knows it."""

    enabled: bool = True
    """Off: each call goes to the less busy of two replicas drawn at random."""
    max_load: Annotated[float, Meta(ge=1)] = 1.25
    """A conversation goes elsewhere while its replica has this many times the mean of calls in flight, and two more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EjectionConfig:
    """When a replica that fails is left out, and for how long."""

    after: Annotated[int, Meta(ge=1)] = 3
    """Failures in a row."""
    base_s: Seconds = 5.0
    """Time until a single call tries it again; doubles with each trial that fails."""
    max_s: Seconds = 60.0
    """Longest time between two trials."""
    max_share: Share = 0.5
    """Share of a tier's replicas that failing calls may leave out; one stays in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksConfig:
    """Requests that ask a replica how it is, while no call does."""

    path: Annotated[str, Meta(pattern=r"^/?[\w.~-]+(/[\w.~-]+)*$")] | None = "models"
    """What is asked for, as a link: `models` is below the base URL, `/health` at the server's root. Null: no checks."""
    interval_s: Seconds = 5.0
    """Time between two checks of a replica."""
    timeout_s: Seconds = 5.0
    """Time for the answer; any but a 5xx is a good one."""
    after: Annotated[int, Meta(ge=1)] = 2
    """Bad checks in a row that take a replica out of service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBudgetConfig:
    """How many further tries and hedges there may be, however much fails."""

    share: Share = 0.2
    """Of the calls to a tier."""
    min_per_s: Annotated[float, Meta(ge=0)] = 10.0
    """May be tried again in any case; ten seconds' worth can be saved up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamConfig:
    """How upstreams are called."""

    connect_timeout_s: Seconds = 5.0
    """Time to open a connection."""
    first_byte_timeout_s: Seconds = 120.0
    """Time from the request to the first byte of the answer; a plain answer comes only when it is whole."""
    idle_timeout_s: Seconds = 60.0
    """Longest silence within an answer."""
    retries: Annotated[int, Meta(ge=0, le=10)] = 2
    """Further tries on other replicas, before the first byte, until the next tier up is asked."""
    backoff_s: Annotated[float, Meta(ge=0)] = 0.05
    """Mean pause before the first retry; doubles with each, with full jitter."""
    retry_budget: RetryBudgetConfig = field(default_factory=RetryBudgetConfig)
    hedge_after_s: Seconds | None = None
    """Ask a second replica when no first byte came within this time, and take the first answer. Not given: never."""
    affinity: AffinityConfig = field(default_factory=AffinityConfig)
    ejection: EjectionConfig = field(default_factory=EjectionConfig)
    checks: ChecksConfig = field(default_factory=ChecksConfig)
    max_connections: Annotated[int, Meta(ge=1)] = 4096
    """Open connections to each server."""
    ca_file: str | None = None
    """File with certificates, in PEM form, that are trusted beside the system's, such as a private authority's.

    Certificates of `https` servers are always verified; nothing turns that off.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class PassthroughConfig:
    """One path that is passed untouched to a named server."""

    base_url: str
    """The server: `http://127.0.0.1:8100/v1`."""
    api_key_env: str | None = None
    """Environment variable that holds the key sent to it."""
