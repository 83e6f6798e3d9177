"""How much of a conversation's past a turn inherits."""

from collections.abc import Sequence

from suffice.vocabulary import MAX_COMPLEXITY

HOLDS = 0.5
"""An escalation holds while its weight is at least this."""


def inherited_complexity(complexities: Sequence[float], decay: float) -> float:
    """Complexity of a conversation: the maximum over its turns, each decayed by its age.

    Args:
        complexities: Of each turn alone, the newest first, each in [0, 10]; not empty.
        decay: Factor per turn, in [0, 1].

    Returns:
        max over k of decay^k * complexities[k]; within [0, 10], never below the newest turn's own.
    """
    if len(complexities) == 1:
        return complexities[0]
    return max(complexity * decay**age for age, complexity in enumerate(complexities))


def can_lift(highest: float, *, age: int, decay: float) -> bool:
    """Whether a turn of this age, or an older one, can still make a conversation harder.

    Args:
        highest: Of the newer turns' complexities, each decayed by its age.
        age: In turns.
        decay: Factor per turn, in [0, 1].
    """
    return MAX_COMPLEXITY * decay**age > highest


def carried_weight(weight: float, *, new_turn: bool, escalated: bool, decay: float) -> float:
    """Weight of a conversation's escalations after one more request.

    Args:
        weight: Before it.
        new_turn: The request began a user turn; steps of a tool loop do not age an escalation.
        escalated: Its first answer was rejected.
        decay: Factor per turn.
    """
    return (weight * decay if new_turn else weight) + (1.0 if escalated else 0.0)


def holds(weight: float) -> bool:
    """Whether escalations of this weight still keep a conversation up."""
    return weight >= HOLDS


def aged_count(count: float, elapsed_s: float, half_life_s: float) -> float:
    """A count of escalations after some time: it halves each half-life."""
    return count * 0.5 ** (max(0.0, elapsed_s) / half_life_s)


def repeats_enough(count: float, repeats: float) -> bool:
    """Whether an aged count of escalations still stands for `repeats` of them.

    Half an escalation is allowed to have faded, or two in a row would not count as two a moment later.
    """
    return count >= repeats - 0.5
