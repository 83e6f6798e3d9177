import pytest

from suffice.policy.config import EscalationConfig
from suffice.policy.escalate import UNANSWERED, next_tier
from suffice.vocabulary import TierName, Verdict, VerdictReason

SMALL, MEDIUM, LARGE = TierName("small"), TierName("medium"), TierName("large")
LADDER = (SMALL, MEDIUM, LARGE)
ACCEPTED = Verdict(accepted=True, reason=VerdictReason.ACCEPTED)
EMPTY = Verdict(accepted=False, reason=VerdictReason.EMPTY)


def test_a_rejected_answer_goes_one_tier_up() -> None:
    assert next_tier(EMPTY, SMALL, LADDER, 0, EscalationConfig()) == MEDIUM


def test_an_accepted_answer_goes_to_the_client() -> None:
    assert next_tier(ACCEPTED, SMALL, LADDER, 0, EscalationConfig()) is None


@pytest.mark.parametrize("reason", [VerdictReason.EMPTY, VerdictReason.FAILED])
def test_above_the_top_there_is_nothing(reason: VerdictReason) -> None:
    verdict = Verdict(accepted=False, reason=reason)

    assert next_tier(verdict, LARGE, LADDER, 0, EscalationConfig()) is None


@pytest.mark.parametrize(
    ("n_escalated", "config", "expected"),
    [
        (1, EscalationConfig(), None),
        (1, EscalationConfig(max_per_request=2), MEDIUM),
        (0, EscalationConfig(max_per_request=0), None),
        (0, EscalationConfig(enabled=False), None),
    ],
)
def test_rejected_answers_are_rationed(n_escalated: int, config: EscalationConfig, expected: TierName | None) -> None:
    assert next_tier(EMPTY, SMALL, LADDER, n_escalated, config) == expected


@pytest.mark.parametrize("reason", sorted(UNANSWERED))
def test_where_there_is_no_answer_the_next_tier_is_asked_whatever_is_configured(reason: VerdictReason) -> None:
    verdict = Verdict(accepted=False, reason=reason)
    config = EscalationConfig(enabled=False, max_per_request=0)

    assert next_tier(verdict, SMALL, LADDER, 5, config) == MEDIUM
