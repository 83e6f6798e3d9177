"""An outcome as rows of the store: tuples in the order of the columns named here.

Names and values stand in the same groups, so that what belongs together is read together.
"""

from collections.abc import Mapping, Sequence

import msgspec

from suffice.vocabulary import Attempt, Decision, Features, Outcome, TierName, Token, Usage, Verdict

SqlValue = str | int | float | bytes | None
Row = tuple[SqlValue, ...]

_DECISION_COLUMNS = (
    "first_tier", "top_tier", "reason", "proposed_tier", "proposed_reason", "complexity", "own_complexity", "p_ok",
    "thresholds", "skipped",
)  # fmt: skip
_SUM_COLUMNS = ("prompt_tokens", "cached_tokens", "completion_tokens", "cost_usd")
_FEATURE_COLUMNS = ("n_prompt_tokens_estimated", "n_turns", "in_tool_loop", "has_tools", "n_images")
_USAGE_COLUMNS = ("prompt_tokens", "cached_tokens", "completion_tokens", "usage_estimated")
_VERDICT_COLUMNS = ("accepted", "verdict_reason", "confidence", "signals")

REQUEST_COLUMNS = (
    "id", "received_at", "session", "key_id", "profile", "endpoint", "model_asked", "mode", "streamed", "tier",
    "model", *_DECISION_COLUMNS, "cache", "n_attempts", "escalated", "status", "error", "cancelled", *_SUM_COLUMNS,
    "always_large_usd", "routing_s", "first_byte_s", "duration_s", "shadow_probability", *_FEATURE_COLUMNS, "scorer",
    "bundle_id", "config_hash", "prompt",
)  # fmt: skip
"""Of `requests`, without those that later issues fill."""

ATTEMPT_COLUMNS = (
    "request_id", "seq", "role", "tier", "model", "replica", "started_s", "first_token_s", "duration_s", "status",
    "finish_reason", *_USAGE_COLUMNS, "cost_usd", *_VERDICT_COLUMNS, "error", "tokens", "answer",
)  # fmt: skip
"""Of `attempts`."""


class _RecordedToken(msgspec.Struct, omit_defaults=True):
    text: str
    logprob: float
    second_logprob: float | None = None


def request_row(outcome: Outcome) -> Row:
    """The row of `requests`, by `REQUEST_COLUMNS`."""
    served = outcome.served
    return (
        outcome.request_id,
        outcome.received_at,
        outcome.session,
        outcome.key_id,
        outcome.profile,
        # SQLite's driver looks long for a way to keep a member of an enumeration; a plain text it keeps at once.
        str(outcome.endpoint),
        outcome.model_asked,
        str(outcome.mode),
        int(outcome.streamed),
        served.tier if served is not None else None,
        served.model if served is not None else None,
        *_decision_values(outcome.decision),
        str(outcome.cache),
        len(outcome.attempts),
        int(outcome.escalated),
        outcome.status,
        outcome.error,
        int(outcome.cancelled),
        *_sums(outcome.attempts),
        outcome.always_large_usd,
        outcome.routing_s,
        outcome.first_byte_s,
        outcome.duration_s,
        outcome.shadow_probability,
        *_feature_values(outcome.features),
        outcome.scorer,
        outcome.bundle_id,
        outcome.config_hash,
        outcome.prompt,
    )


def attempt_rows(outcome: Outcome) -> list[Row]:
    """The rows of `attempts`, by `ATTEMPT_COLUMNS`, in the order of the attempts."""
    return [_attempt_row(outcome.request_id, seq, attempt) for seq, attempt in enumerate(outcome.attempts)]


def _attempt_row(request_id: str, seq: int, attempt: Attempt) -> Row:
    return (
        request_id,
        seq,
        str(attempt.role),
        attempt.tier,
        attempt.model,
        attempt.replica,
        attempt.started_s,
        attempt.first_token_s,
        attempt.duration_s,
        attempt.status,
        attempt.finish_reason,
        *_usage_values(attempt.usage),
        attempt.cost_usd,
        *_verdict_values(attempt.verdict),
        attempt.error,
        # Tokens spell the answer out, so they are kept only where the answer is.
        _tokens(attempt.tokens) if attempt.answer is not None else None,
        attempt.answer,
    )


def _decision_values(decision: Decision | None) -> Row:
    if decision is None:
        return (None,) * len(_DECISION_COLUMNS)
    proposal = decision.proposal
    return (
        decision.tier,
        decision.ladder[-1],
        str(decision.reason),
        proposal.tier if proposal is not None else None,
        str(proposal.reason) if proposal is not None else None,
        decision.complexity,
        decision.own_complexity,
        _json(decision.p_ok),
        _json(decision.thresholds),
        _json(decision.skipped),
    )


def _sums(attempts: Sequence[Attempt]) -> Row:
    prompt = cached = completion = 0
    cost_usd = 0.0
    for attempt in attempts:
        cost_usd += attempt.cost_usd
        usage = attempt.usage
        if usage is not None:
            prompt += usage.prompt_tokens
            cached += usage.cached_tokens
            completion += usage.completion_tokens
    return prompt, cached, completion, cost_usd


def _feature_values(features: Features | None) -> Row:
    if features is None:
        return (None,) * len(_FEATURE_COLUMNS)
    return (
        features.n_prompt_tokens,
        len(features.turns),
        int(features.in_tool_loop),
        int(features.has_tools),
        features.n_images,
    )


def _usage_values(usage: Usage | None) -> Row:
    if usage is None:
        return (None,) * len(_USAGE_COLUMNS)
    return usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, int(usage.estimated)


def _verdict_values(verdict: Verdict | None) -> Row:
    if verdict is None:
        return (None,) * len(_VERDICT_COLUMNS)
    return int(verdict.accepted), str(verdict.reason), verdict.confidence, _json(verdict.signals)


def _json(mapping: Mapping[TierName, object] | Mapping[str, object]) -> str | None:
    return msgspec.json.encode(mapping).decode() if mapping else None


def _tokens(tokens: Sequence[Token]) -> str | None:
    if not tokens:
        return None
    recorded = [_RecordedToken(token.text, token.logprob, token.second_logprob) for token in tokens]
    return msgspec.json.encode(recorded).decode()
