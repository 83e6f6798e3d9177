"""What a judge's verdicts in both orders come to: scores, and how far the judge agrees with itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suffice.lab.intervals import Interval, mean_interval
from suffice.lab.label.journal import Compared, Journal
from suffice.lab.label.judging import Judge

LOW_AGREEMENT = 0.7
"""Below this share of pairs on which both orders agree, a judge's scores say little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfAgreement:
    """How far a judge agrees with itself when the same two answers are shown the other way round."""

    agreement: Interval
    """Share of pairs on which both orders say the same."""
    first_share: float | None
    """Of the verdicts that are no tie, those for the answer that was shown first; .5 is fair. None: all are ties."""

    @property
    def is_low(self) -> bool:
        """Whether the scores should not be relied upon."""
        return self.agreement.estimate < LOW_AGREEMENT


def score_pair(tier_first: Compared, top_first: Compared) -> float:
    """The score of a lower tier's answer, the top tier's being taken as acceptable.

    Each order says acceptable (better, or a tie) or not; the score is their mean. Orders that contradict each other
    are an undecided pair, .5, which counts as no failure, like a tie.
    """
    return (float(tier_first.better != "second") + float(top_first.better != "first")) / 2


def measure_self(judge: Judge, journal: Journal, groups: dict[str, str]) -> SelfAgreement | None:
    """The agreement of a judge with itself, over the pairs that it saw in both orders; None without such.

    Args:
        judge: Whose verdicts.
        journal: Holds them.
        groups: The prompt group of each query.
    """
    pairs = [
        (entry, journal.verdicts[key, query_id, tier, False])
        for (key, query_id, tier, tier_first), entry in journal.verdicts.items()
        if key == judge.key and tier_first and (key, query_id, tier, False) in journal.verdicts and query_id in groups
    ]
    if not pairs:
        return None
    agrees = np.array([float(_flip(second) == first.better) for first, second in pairs])
    said = [entry.better for pair in pairs for entry in pair if entry.better != "tie"]
    return SelfAgreement(
        agreement=mean_interval(agrees, [groups[first.query_id] for first, _ in pairs]),
        first_share=_share_first(said),
    )


def _share_first(said: Sequence[str]) -> float | None:
    return said.count("first") / len(said) if said else None


def _flip(entry: Compared) -> str:
    """The verdict, as it would read in the other order."""
    return {"first": "second", "second": "first", "tie": "tie"}[entry.better]
