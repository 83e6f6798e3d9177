"""An outcome as rows of the store: the names and order of the columns are those of the keys."""

from collections.abc import Mapping, Sequence

import msgspec

from suffice.vocabulary import Attempt, Decision, Features, Outcome, TierName, Token, Usage, Verdict

SqlValue = str | int | float | bytes | None
Row = dict[str, SqlValue]

_NO_USAGE = Usage()


class _RecordedToken(msgspec.Struct, omit_defaults=True):
    text: str
    logprob: float
    second_logprob: float | None = None


def request_row(outcome: Outcome) -> Row:
    """The row of `requests`; every row has the same keys in the same order. Columns for later issues stay out."""
    attempts = outcome.attempts
    usages = [attempt.usage or _NO_USAGE for attempt in attempts]
    served = outcome.served
    return {
        "id": outcome.request_id,
        "received_at": outcome.received_at,
        "session": outcome.session,
        "key_id": outcome.key_id,
        "profile": outcome.profile,
        "endpoint": outcome.endpoint,
        "model_asked": outcome.model_asked,
        "mode": outcome.mode.value,
        "streamed": int(outcome.streamed),
        "tier": served.tier if served else None,
        "model": served.model if served else None,
        **_decision_columns(outcome.decision),
        "cache": outcome.cache.value,
        "n_attempts": len(attempts),
        "escalated": int(outcome.escalated),
        "status": outcome.status,
        "error": outcome.error,
        "cancelled": int(outcome.cancelled),
        "prompt_tokens": sum(usage.prompt_tokens for usage in usages),
        "cached_tokens": sum(usage.cached_tokens for usage in usages),
        "completion_tokens": sum(usage.completion_tokens for usage in usages),
        "cost_usd": outcome.cost_usd,
        "always_large_usd": outcome.always_large_usd,
        "routing_s": outcome.routing_s,
        "first_byte_s": outcome.first_byte_s,
        "duration_s": outcome.duration_s,
        "shadow_probability": outcome.shadow_probability,
        **_feature_columns(outcome.features),
        "scorer": outcome.scorer,
        "bundle_id": outcome.bundle_id,
        "config_hash": outcome.config_hash,
        "prompt": outcome.prompt,
    }


def attempt_rows(outcome: Outcome) -> list[Row]:
    """The rows of `attempts`, in the order of the attempts; every row has the same keys in the same order."""
    return [_attempt_row(outcome.request_id, seq, attempt) for seq, attempt in enumerate(outcome.attempts)]


def _attempt_row(request_id: str, seq: int, attempt: Attempt) -> Row:
    return {
        "request_id": request_id,
        "seq": seq,
        "role": attempt.role.value,
        "tier": attempt.tier,
        "model": attempt.model,
        "replica": attempt.replica,
        "started_s": attempt.started_s,
        "first_token_s": attempt.first_token_s,
        "duration_s": attempt.duration_s,
        "status": attempt.status,
        "finish_reason": attempt.finish_reason,
        **_usage_columns(attempt.usage),
        "cost_usd": attempt.cost_usd,
        **_verdict_columns(attempt.verdict),
        "error": attempt.error,
        # Tokens spell the answer out, so they are kept only where the answer is.
        "tokens": _tokens(attempt.tokens) if attempt.answer is not None else None,
        "answer": attempt.answer,
    }


def _decision_columns(decision: Decision | None) -> Row:
    proposal = decision.proposal if decision else None
    return {
        "first_tier": decision.tier if decision else None,
        "top_tier": decision.ladder[-1] if decision else None,
        "reason": decision.reason.value if decision else None,
        "proposed_tier": proposal.tier if proposal else None,
        "proposed_reason": proposal.reason.value if proposal else None,
        "complexity": decision.complexity if decision else None,
        "own_complexity": decision.own_complexity if decision else None,
        "p_ok": _json(decision.p_ok) if decision else None,
        "thresholds": _json(decision.thresholds) if decision else None,
        "skipped": _json(decision.skipped) if decision else None,
    }


def _feature_columns(features: Features | None) -> Row:
    return {
        "n_prompt_tokens_estimated": features.n_prompt_tokens if features else None,
        "n_turns": len(features.turns) if features else None,
        "in_tool_loop": int(features.in_tool_loop) if features else None,
        "has_tools": int(features.has_tools) if features else None,
        "n_images": features.n_images if features else None,
    }


def _usage_columns(usage: Usage | None) -> Row:
    return {
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "cached_tokens": usage.cached_tokens if usage else None,
        "completion_tokens": usage.completion_tokens if usage else None,
        "usage_estimated": int(usage.estimated) if usage else None,
    }


def _verdict_columns(verdict: Verdict | None) -> Row:
    return {
        "accepted": int(verdict.accepted) if verdict else None,
        "verdict_reason": verdict.reason.value if verdict else None,
        "confidence": verdict.confidence if verdict else None,
        "signals": _json(verdict.signals) if verdict else None,
    }


def _json(mapping: Mapping[TierName, object] | Mapping[str, object]) -> str | None:
    return msgspec.json.encode(mapping).decode() if mapping else None


def _tokens(tokens: Sequence[Token]) -> str | None:
    if not tokens:
        return None
    recorded = [_RecordedToken(token.text, token.logprob, token.second_logprob) for token in tokens]
    return msgspec.json.encode(recorded).decode()
