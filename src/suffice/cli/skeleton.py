"""The commented `suffice.yaml` that `suffice init` writes."""

from collections.abc import Sequence
from dataclasses import dataclass

from suffice.caching.config import CacheConfig
from suffice.cli.quoting import quote
from suffice.config.sections import DEFAULT_FIRST_THRESHOLD
from suffice.policy.config import EscalationConfig, RoutingConfig
from suffice.recording.config import RecordingConfig
from suffice.scoring.config import DEFAULT_KIND, ScorerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TierDraft:
    """A tier as it will stand in the file."""

    name: str
    model: str
    base_urls: Sequence[str]
    context_tokens: int | None = None
    remark: str = "the name its servers know it by"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """What the file is written from."""

    tiers: Sequence[TierDraft]
    """One or two, cheapest first."""
    order: str
    """Where the order of the tiers comes from, in a sentence."""
    port: int
    others: Sequence[str] = ()
    """Models that were found and are in no tier."""


def render(skeleton: Skeleton, *, kind: ScorerKind = DEFAULT_KIND) -> str:
    """The file's text.

    Args:
        skeleton: What it is written from.
        kind: Of the scorer that a file without one gets.
    """
    lines = [
        "# As `suffice init` wrote it. `suffice check` tells what is wrong with it, `suffice serve` runs it.",
        "# A line that is commented out shows a default, or an example.",
        "",
        "tiers: # cheapest first",
        f"  # {skeleton.order}",
    ]
    for tier in skeleton.tiers:
        lines += _render_tier(tier)
    lines += [f"  # Found besides: {quote(model)}" for model in skeleton.others]
    return "\n".join([*lines, *_render_routing(skeleton, kind), *_render_rest(skeleton)]) + "\n"


def _render_tier(tier: TierDraft) -> list[str]:
    context = f"    context_tokens: {tier.context_tokens} # prompt and answer together, as the server says"
    if tier.context_tokens is None:
        context = "    # context_tokens: 8192 # prompt and answer together; give it, and longer requests skip this tier"
    return [
        f"  - name: {tier.name}",
        f"    model: {quote(tier.model)} # {tier.remark}",
        "    base_urls: # one per replica",
        *(f"      - {quote(url)}" for url in tier.base_urls),
        context,
        "    # slots: 64 # requests that each replica answers at once; more wait in a queue, by x-suffice-priority",
        f"    # api_key_env: {_variable(tier.name)} # variable with the key these servers ask for",
        "    # supports: {tools: true, images: false, json_schema: true, logprobs: true}",
        "    price: {input: 0.0, output: 0.0} # USD per million tokens; costs and savings read 0 until you fill it in",
    ]


def _variable(tier: str) -> str:
    return f"{tier.upper().replace('-', '_')}_API_KEY"


def _render_threshold(skeleton: Skeleton, kind: ScorerKind) -> list[str]:
    first = skeleton.tiers[0].name
    if len(skeleton.tiers) == 1:
        return ["  # With a second tier, `max_complexity` says up to which complexity the first one takes requests."]
    if kind == "learned":
        return [
            "  # By default the first tier takes what the bundle was calibrated to; a threshold written here wins.",
            f"  # max_complexity: {{{first}: {DEFAULT_FIRST_THRESHOLD}}}",
        ]
    return [
        "  max_complexity: # highest complexity (0 to 10) that each tier but the top takes",
        f"    {first}: {DEFAULT_FIRST_THRESHOLD}",
    ]


_EXEMPLARS = "{kind: exemplars, form: rescaled, encoder: hashed}"
_LEARNED = "{kind: learned, bundle: my.bundle}"


def _render_scorer(kind: ScorerKind) -> list[str]:
    if kind == "learned":
        return [
            "# The shipped bundle is generic: good for `observe`. Name one that was trained on your own outcomes:",
            f"# scorer: {_LEARNED} # or {_EXEMPLARS}, or kind: length",
        ]
    return [f"# scorer: {_EXEMPLARS} # or {_LEARNED}, or kind: length"]


def _render_routing(skeleton: Skeleton, kind: ScorerKind) -> list[str]:
    routing = RoutingConfig()
    return [
        "",
        "routing:",
        "  # In `observe` the top tier answers and decisions are only recorded; `canary` routes a share, `route` all.",
        "  # `suffice mode` switches it while the gateway runs.",
        f"  mode: {routing.mode}",
        f"  # canary_percent: {routing.canary_percent}",
        *_render_threshold(skeleton, kind),
        "",
        *_render_scorer(kind),
        f"# escalation: {{enabled: true, max_per_request: {EscalationConfig().max_per_request}}}",
        f"# cache: {{enabled: true, ttl_s: {CacheConfig().ttl_s}}}",
    ]


def _render_rest(skeleton: Skeleton) -> list[str]:
    recording = RecordingConfig()
    top = skeleton.tiers[-1].name
    return [
        "",
        "recording:",
        f"  path: {recording.path} # relative to this file; `suffice stats` reads it",
        "  content: false # true keeps prompts and answers; false only numbers, names and hashes",
        f"  # max_days: {recording.max_days}",
        "",
        "server:",
        "  host: 127.0.0.1 # 0.0.0.0 lets others in: give them keys first",
        f"  port: {skeleton.port}",
        "",
        "# `suffice key NAME` makes a key and prints the lines for it.",
        "# auth: {keys: []}",
        "",
        "# Settings for one application, chosen by API key or alias; and model names that clients use today.",
        "# profiles: {my-application: {mode: route}}",
        "# aliases:",
        "#   gpt-4o: {profile: my-application}",
        f"#   my-adapter: {{tier: {top}, model: my-lora}}",
        "",
        "# How servers are called: time-outs, retries, health checks.",
        "# upstream: {retries: 2, checks: {path: /health}} # vLLM's; by default the list of models is asked for",
        "",
        "# Paths that are passed untouched to a server.",
        '# passthrough: {"/v1/embeddings": {base_url: "http://127.0.0.1:8100/v1"}}',
    ]
