"""The requests that the router got most wrong, and what in them misled it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from suffice.lab.examination import Examination
from suffice.lab.metrics import Floats
from suffice.lab.rating import scorer_of
from suffice.vocabulary import MAX_COMPLEXITY

N_SHOWN = 6
_MAX_CHARS = 400


class Mistake(StrEnum):
    """How complexity and outcome disagree."""

    TOO_LOW = "too low"
    """The large model's answer is better, and the complexity would keep the request from it."""
    TOO_HIGH = "too high"
    """The small model's answer is at least as good, and the complexity would waste the large one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """One such request."""

    mistake: Mistake
    query_id: str
    category: str | None
    text: str
    """Of the newest turn, shortened."""
    complexity: float
    p_ok: float | None
    """Of the small model."""
    small: float
    """Score of its answer."""
    large: float
    features: Sequence[tuple[str, float]]
    """What moved the complexity most, and how far the expected gain; the strongest first."""


def find_confusions(examination: Examination, mistake: Mistake, *, n_shown: int = N_SHOWN) -> list[Confusion]:
    """The worst ones first; no two of one group, for near-duplicates teach nothing new."""
    trial, ratings = examination.trial, examination.ratings
    scores, p_ok = trial.outcomes.scores, ratings.p_ok_of(trial.small)
    scorer = scorer_of(examination.bundle)
    found: list[Confusion] = []
    seen: set[str] = set()
    disagreement = _disagreement(examination, mistake)
    order: list[int] = np.argsort(-disagreement, kind="stable").tolist()
    for index in order:
        group = trial.outcomes.groups[index]
        if len(found) == n_shown or disagreement[index] <= 0:
            break
        if group in seen:
            continue
        seen.add(group)
        turn = trial.requests[index].turns[0]
        found.append(
            Confusion(
                mistake=mistake,
                query_id=trial.queries[index].query_id,
                category=trial.queries[index].category,
                text=shorten(turn.text),
                complexity=float(ratings.complexity[index]),
                p_ok=None if p_ok is None else float(p_ok[index]),
                small=float(scores.small[index]),
                large=float(scores.large[index]),
                features=list(scorer.explain(turn).items()),
            )
        )
    return found


def shorten(text: str) -> str:
    """A text's beginning and end, where what is asked mostly stands."""
    if len(text) <= _MAX_CHARS:
        return text
    half = _MAX_CHARS // 2
    return f"{text[:half]} … {text[-half:]}"


def _disagreement(examination: Examination, mistake: Mistake) -> Floats:
    """How far complexity and outcome are apart, shape (n,); 0 or less where they are not."""
    uplift = examination.trial.outcomes.scores.uplift
    share = examination.ratings.complexity / MAX_COMPLEXITY
    if mistake is Mistake.TOO_LOW:
        return np.where(uplift > 0, uplift * (1 - share), 0.0)
    # Where both answers are equally bad nothing was to be had, but neither was the large model needed.
    small = examination.trial.outcomes.scores.small
    return np.where((uplift <= 0) & (small > 0), (small - uplift) * share, 0.0)
