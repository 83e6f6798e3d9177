"""Outcomes as metrics and log lines.

Names of the OpenTelemetry conventions for generative AI (`gen_ai_*`, in Prometheus form) describe the calls to
upstreams; `suffice_*` describe what the gateway made of them.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from http import HTTPStatus

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from suffice.errors import SufficeError
from suffice.telemetry.counts import Counts, Snapshot
from suffice.telemetry.watched import BundleState, RecorderFigures, Watched
from suffice.vocabulary import Attempt, Outcome, Tier, TierName, TierState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

NONE = "none"
"""Label of what was not there."""
OTHER = "other"
"""Label of what is not configured: a client must not be able to make new series."""

# The conventions advise these bounds: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
_FIRST_TOKEN_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_OPERATION_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(float(4**exponent) for exponent in range(14))
_ROUTING_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)
_COMPLEXITY = tuple(float(step) for step in range(11))

_OPERATIONS = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "text_completion",
    "/v1/embeddings": "embeddings",
}
_PROVIDER = "openai"
_STATUSES = {status.value: str(status.value) for status in HTTPStatus}

_CALL = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "tier")

_log = logging.getLogger("suffice.access")


class Telemetry:
    """Counts outcomes, and writes one line of JSON for each to the logger `suffice.access`."""

    def __init__(self, tiers: Sequence[Tier], *, keys: Collection[str] = (), models: Collection[str] = ()) -> None:
        """Make the metrics.

        Args:
            tiers: The ladder; other tiers and models are counted as `other`.
            keys: Names of the API keys that may become labels.
            models: Further models that tiers are asked for, such as LoRA adapters.
        """
        self._tiers = {NONE, *(tier.name for tier in tiers)}
        self._models = {*(tier.model for tier in tiers), *models}
        self._keys = {NONE, *keys}
        self._counts = Counts()
        self._watched = Watched()
        self._make_request_metrics()
        self._make_attempt_metrics()

    def _make_request_metrics(self) -> None:
        self._requests = self._counts.counter(
            "suffice_requests", "Requests that are over, by the tier that answered.", "tier", "reason", "mode", "status"
        )
        self._errors = self._counts.counter("suffice_request_errors", "Requests that ended in an error.", "code")
        self._refusals = self._counts.counter(
            "suffice_refusals", "Errors that the gateway itself answered with.", "code"
        )
        self._reloads = self._counts.counter(
            "suffice_bundle_reloads",
            "Times that the bundle's file was read again: swapped, unchanged, refused.",
            "outcome",
        )
        self._cancelled = self._counts.counter("suffice_requests_cancelled", "Requests whose client hung up.", "tier")
        self._escalations = self._counts.counter(
            "suffice_escalations", "Requests served by another tier than the first.", "from_tier", "to_tier", "reason"
        )
        self._cost = self._counts.counter("suffice_cost_usd", "Cost of all attempts in USD.", "tier", "key")
        self._always_large = self._counts.counter(
            "suffice_always_large_usd", "What the same tokens cost on the top tier, in USD.", "key"
        )
        self._cache = self._counts.counter(
            "suffice_decision_cache", "Requests by what the decision cache did: hit, miss or off.", "use"
        )
        self._complexity = self._counts.histogram(
            "suffice_complexity", "Complexity of requests, 0 to 10.", _COMPLEXITY, "first_tier"
        )
        self._routing = self._counts.histogram(
            "suffice_routing_seconds", "From the parsed request to the decision.", _ROUTING_S, "use"
        )
        self._first_byte = self._counts.histogram(
            "suffice_first_byte_seconds", "From the request to the first byte of its answer.", _FIRST_TOKEN_S, "tier"
        )
        self._duration = self._counts.histogram(
            "suffice_request_duration_seconds", "From the request to the end of its answer.", _OPERATION_S, "tier"
        )

    def _make_attempt_metrics(self) -> None:
        self._attempts = self._counts.counter(
            "suffice_attempts", "Upstream calls, rejected drafts and failed tries included.", "tier", "role", "outcome"
        )
        self._attempt_errors = self._counts.counter(
            "suffice_attempt_errors", "Upstream calls that failed.", "tier", "code"
        )
        self._cached_tokens = self._counts.counter(
            "suffice_cached_tokens", "Prompt tokens that upstreams had in their cache.", "tier"
        )
        self._tokens = self._counts.histogram(
            "gen_ai_client_token_usage",
            "Tokens of an upstream call, as the upstream reports them.",
            _TOKENS,
            *_CALL,
            "gen_ai_token_type",
        )
        self._operation = self._counts.histogram(
            "gen_ai_client_operation_duration_seconds", "Time of an upstream call.", _OPERATION_S, *_CALL, "error_type"
        )
        self._first_token = self._counts.histogram(
            "gen_ai_server_time_to_first_token_seconds",
            "From an upstream call to its first token.",
            _FIRST_TOKEN_S,
            *_CALL,
        )

    def watch_in_flight(self, read: Callable[[], int]) -> None:
        """Show how many requests are being served."""
        self._watched.in_flight = read

    def watch_recorder(self, read: Callable[[], RecorderFigures]) -> None:
        """Show the recorder's counts."""
        self._watched.recorder = read

    def watch_replicas(self, read: Callable[[], Sequence[TierState]]) -> None:
        """Show how the replicas are, and who waits for them."""
        self._watched.replicas = read

    def watch_bundle(self, read: Callable[[], BundleState | None]) -> None:
        """Show which bundle is in force, if any."""
        self._watched.bundle = read

    def count_reload(self, outcome: str) -> None:
        """Count that the bundle's file was read again: swapped, unchanged or refused."""
        self._reloads[(outcome,)] += 1

    def count_refusal(self, code: str) -> None:
        """Count a request that the server answered with an error of its own."""
        self._refusals[(_code(code),)] += 1

    def render(self, others: Sequence[Snapshot] = ()) -> bytes:
        """All metrics in Prometheus' text form; its media type is `CONTENT_TYPE`.

        Args:
            others: What other workers counted; it is added to this one's. What is watched is this one's alone.
        """
        registry = CollectorRegistry()
        registry.register(self._watched)
        ProcessCollector(registry=registry)
        registry.register(self._counts.merged([self._counts.snapshot(), *others]) if others else self._counts)
        return generate_latest(registry)

    def snapshot(self) -> Snapshot:
        """All that was counted so far, for the page of another worker."""
        return self._counts.snapshot()

    def observe(self, outcome: Outcome) -> None:
        """Count a request that is over, and log it."""
        tier = self._tier(_tier_of(outcome))
        self._count_request(outcome, tier)
        self._count_money(outcome)
        operation = _OPERATIONS.get(outcome.endpoint, OTHER)
        for attempt in outcome.attempts:
            self._count_attempt(attempt, operation)
        if _log.isEnabledFor(logging.INFO):
            _log.info(_line(outcome))

    def _count_request(self, outcome: Outcome, tier: str) -> None:
        decision = outcome.decision
        reason = decision.reason if decision else NONE
        self._requests[tier, reason, outcome.mode, _status(outcome.status)] += 1
        self._cache[(outcome.cache,)] += 1
        self._duration[(tier,)].observe(outcome.duration_s)
        if outcome.first_byte_s is not None:
            self._first_byte[(tier,)].observe(outcome.first_byte_s)
        if outcome.error is not None:
            self._errors[(_code(outcome.error),)] += 1
        if outcome.cancelled:
            self._cancelled[(tier,)] += 1
        if decision is not None:
            self._routing[(outcome.cache,)].observe(outcome.routing_s)
            if decision.complexity is not None:
                self._complexity[(self._tier(decision.tier),)].observe(decision.complexity)
            if outcome.escalated:
                self._escalations[self._tier(decision.tier), tier, _escalation_reason(outcome)] += 1

    def _count_money(self, outcome: Outcome) -> None:
        key = outcome.key_id or NONE
        key = key if key in self._keys else OTHER
        self._always_large[(key,)] += outcome.always_large_usd if outcome.always_large_usd > 0 else 0.0
        for attempt in outcome.attempts:
            self._cost[self._tier(attempt.tier), key] += attempt.cost_usd if attempt.cost_usd > 0 else 0.0

    def _count_attempt(self, attempt: Attempt, operation: str) -> None:
        tier = self._tier(attempt.tier)
        model = attempt.model if attempt.model in self._models else OTHER
        call = (operation, _PROVIDER, model, tier)
        self._attempts[tier, attempt.role, _attempt_outcome(attempt)] += 1
        error = NONE
        if attempt.error is not None:
            error = _code(attempt.error)
            self._attempt_errors[tier, error] += 1
        if attempt.duration_s is not None:
            self._operation[*call, error].observe(attempt.duration_s)
        if attempt.first_token_s is not None:
            self._first_token[call].observe(attempt.first_token_s - attempt.started_s)
        usage = attempt.usage
        if usage is not None:
            self._tokens[*call, "input"].observe(usage.prompt_tokens)
            self._tokens[*call, "output"].observe(usage.completion_tokens)
            self._cached_tokens[(tier,)] += max(0, usage.cached_tokens)

    def _tier(self, name: str) -> str:
        return name if name in self._tiers else OTHER


def _tier_of(outcome: Outcome) -> TierName | str:
    """The tier that served, or the one that was to."""
    if (served := outcome.served) is not None:
        return served.tier
    return outcome.decision.tier if outcome.decision else NONE


def _status(status: int | None) -> str:
    return NONE if status is None else _STATUSES.get(status, OTHER)


def _attempt_outcome(attempt: Attempt) -> str:
    if attempt.error is not None:
        return "failed"
    return "unjudged" if attempt.verdict is None else attempt.verdict.reason


def _escalation_reason(outcome: Outcome) -> str:
    """Why the last answer before the served one was not good enough."""
    drafts = [attempt for attempt in outcome.attempts if attempt is not outcome.served]
    return _attempt_outcome(drafts[-1]) if drafts else NONE


def _codes(error: type[SufficeError]) -> Iterable[str]:
    yield error.code
    for child in error.__subclasses__():
        yield from _codes(child)


_CODES = frozenset(_codes(SufficeError))


def _code(code: str) -> str:
    return code if code in _CODES else OTHER


def _line(outcome: Outcome) -> str:
    decision, served = outcome.decision, outcome.served
    line = {
        "request_id": outcome.request_id,
        "received_at": outcome.received_at,
        "endpoint": outcome.endpoint,
        "model_asked": outcome.model_asked,
        "key": outcome.key_id,
        "profile": outcome.profile,
        "session": outcome.session,
        "mode": outcome.mode,
        "tier": served.tier if served else None,
        "model": served.model if served else None,
        "first_tier": decision.tier if decision else None,
        "reason": decision.reason if decision else None,
        "complexity": decision.complexity if decision else None,
        "bundle": outcome.bundle_id,
        "escalated": outcome.escalated,
        "cache": outcome.cache,
        "status": outcome.status,
        "error": outcome.error,
        "cancelled": outcome.cancelled,
        "n_attempts": len(outcome.attempts),
        "cost_usd": outcome.cost_usd,
        "routing_s": outcome.routing_s,
        "first_byte_s": outcome.first_byte_s,
        "duration_s": outcome.duration_s,
    }
    return msgspec.json.encode(line).decode()
