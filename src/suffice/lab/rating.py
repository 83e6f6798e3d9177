"""Queries rated as the gateway rates requests: the same reading, the same scorer, the same policy for conversations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.bundle import Bundle
from suffice.policy.config import RoutingConfig
from suffice.policy.inherit import inherited_complexity
from suffice.scoring.learned import Learned
from suffice.vocabulary import Features, Score, TierName, Turn

TURN_DECAY = RoutingConfig().turn_decay
"""What an earlier turn passes on to a follow-up, where no configuration says otherwise."""


class Scorer(Protocol):
    """Scores a turn; the gateway's own are such."""

    def score(self, turn: Turn) -> Score:
        """Score one turn."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What the gateway would say of a request."""

    complexity: float
    """Of the conversation, in [0, 10]: what is compared with a threshold."""
    own_complexity: float
    """Of the newest turn alone; never above `complexity`."""
    p_ok: Mapping[str, float]
    """By model, of the newest turn."""


@dataclass(frozen=True, slots=True)
class Rater:
    """Rates conversations with a scorer."""

    scorer: Scorer
    turn_decay: float = TURN_DECAY
    """As `routing.turn_decay` of the gateway."""

    def rate(self, features: Features) -> Rating:
        """Rate one request."""
        scores = [self.scorer.score(turn) for turn in features.turns]
        complexities = [score.complexity for score in scores]
        return Rating(
            complexity=inherited_complexity(complexities, self.turn_decay),
            own_complexity=complexities[0],
            p_ok={str(name): float(p) for name, p in scores[0].p_ok.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ratings:
    """What a bundle says of n requests."""

    models: Sequence[str]
    """That the bundle was trained for, cheapest first."""
    complexity: NDArray[np.float64]
    """Of the conversations, shape (n,), in [0, 10]."""
    p_ok: NDArray[np.float64]
    """Shape (n, n_models)."""

    def p_ok_of(self, model: str) -> NDArray[np.float64] | None:
        """One model's probabilities, shape (n,); None: the bundle was not trained for it."""
        return self.p_ok[:, list(self.models).index(model)] if model in self.models else None


def scorer_of(bundle: Bundle) -> Learned:
    """The gateway's scorer for a bundle, with a tier for each model, named like it.

    Raises:
        BundleError: Its model cannot be used.
    """
    return Learned(bundle, {model: TierName(model) for model in bundle.manifest.models})


def rate_all(bundle: Bundle, requests: Iterable[Features], *, turn_decay: float = TURN_DECAY) -> Ratings:
    """Rate many requests.

    Raises:
        BundleError: The bundle's model cannot be used.
    """
    rater = Rater(scorer_of(bundle), turn_decay)
    models = tuple(bundle.manifest.models)
    ratings = [rater.rate(features) for features in requests]
    p_ok = [[rating.p_ok[model] for model in models] for rating in ratings]
    return Ratings(
        models=models,
        complexity=np.array([rating.complexity for rating in ratings], dtype=np.float64),
        p_ok=np.array(p_ok, dtype=np.float64).reshape(len(ratings), len(models)),
    )
