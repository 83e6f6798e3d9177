"""What attempts cost, whole or broken off, and the tries that failed before them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from suffice.errors import UpstreamError
from suffice.upstream.call import Exchange, FailedTry
from suffice.upstream.pricing import cost
from suffice.vocabulary import Attempt, Features, Outcome, Role, Tier, TierName, Usage, Usd, Verdict, VerdictReason
from suffice.wire.answer import Assembly, WireUsage

_PACE_WEIGHT = 0.1


@dataclass(slots=True)
class Book:
    """Prices, and the pace at which tiers generate."""

    tiers: Mapping[TierName, Tier]
    top: Tier
    _s_per_token: dict[TierName, float] = field(default_factory=dict[TierName, float])
    """Moving average per tier: what a plain call had generated when its client hung up can only be told by time."""

    def settle(
        self, attempt: Attempt, usage: WireUsage | None, assembly: Assembly, features: Features, *, is_whole: bool
    ) -> None:
        """Write an attempt's usage and cost, from what the upstream said or else from what was seen of it.

        Args:
            attempt: Over, with its duration.
            usage: As stated by the upstream; None: it did not say.
            assembly: What came of the answer.
            features: Of the request, for its estimated length.
            is_whole: The answer came to its end; else it failed or was broken off.
        """
        attempt.finish_reason = assembly.finish_reason
        if usage is not None:
            attempt.usage = _stated(usage)
            if is_whole:
                self._learn_pace(attempt)
        else:
            n_tokens = assembly.n_pieces if is_whole or assembly.n_pieces else self._n_unseen(attempt, features)
            attempt.usage = Usage(prompt_tokens=features.n_prompt_tokens, completion_tokens=n_tokens, estimated=True)
        attempt.cost_usd = cost(self.tiers[attempt.tier].price, attempt.usage)

    def _n_unseen(self, attempt: Attempt, features: Features) -> int:
        """Tokens that a plain call had probably generated when it was broken off: only time can tell."""
        pace = self._s_per_token.get(attempt.tier)
        n_tokens = int((attempt.duration_s or 0.0) / pace) if pace else 0
        return n_tokens if features.n_answer_tokens is None else min(n_tokens, features.n_answer_tokens)

    def always_large(self, outcome: Outcome) -> Usd:
        """What the served answer's tokens cost on the top tier."""
        served = outcome.served
        return cost(self.top.price, served.usage) if served is not None and served.usage is not None else Usd(0.0)

    def _learn_pace(self, attempt: Attempt) -> None:
        if attempt.duration_s is None or attempt.usage is None or attempt.usage.completion_tokens < 1:
            return
        pace = attempt.duration_s / attempt.usage.completion_tokens
        known = self._s_per_token.get(attempt.tier, pace)
        self._s_per_token[attempt.tier] = known + _PACE_WEIGHT * (pace - known)


def note_exchange(outcome: Outcome, attempt: Attempt, exchange: Exchange, request_started_at: float) -> None:
    """Note which replica answered, and the tries on others before it as attempts of their own."""
    _insert_tries(outcome, attempt, list(exchange.tries), request_started_at)
    attempt.replica = exchange.replica
    attempt.status = exchange.status
    attempt.started_s = exchange.started_at - request_started_at


def note_failure(outcome: Outcome, attempt: Attempt, error: UpstreamError, request_started_at: float) -> None:
    """Note why an attempt failed, and the tries before its last as attempts of their own."""
    tries = [t for t in error.tries if isinstance(t, FailedTry)]
    attempt.error = error.code
    attempt.verdict = Verdict(accepted=False, reason=VerdictReason.FAILED)
    if tries and not attempt.replica:
        _insert_tries(outcome, attempt, tries[:-1], request_started_at)
        attempt.replica = tries[-1].replica
        attempt.status = tries[-1].status
        attempt.started_s = tries[-1].started_at - request_started_at


def _insert_tries(outcome: Outcome, attempt: Attempt, tries: list[FailedTry], request_started_at: float) -> None:
    at = outcome.attempts.index(attempt)
    outcome.attempts[at:at] = [
        Attempt(
            tier=attempt.tier,
            model=attempt.model,
            role=Role.DRAFT,
            started_s=failed.started_at - request_started_at,
            duration_s=failed.duration_s,
            replica=failed.replica,
            status=failed.status,
            error=failed.code,
            verdict=Verdict(accepted=False, reason=VerdictReason.FAILED),
        )
        for failed in tries
    ]


def _stated(usage: WireUsage) -> Usage:
    details = usage.prompt_tokens_details
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=(details.cached_tokens or 0) if details else 0,
        completion_tokens=usage.completion_tokens or 0,
    )
