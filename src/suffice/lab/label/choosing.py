"""Which queries of a file are labelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from suffice.errors import DatasetError
from suffice.estimators.bundle import Bundle
from suffice.lab.dataset import Dataset, Query, group_queries, read_features
from suffice.lab.dataset.report import RowError
from suffice.lab.label.sampling import Floats, draw, spread_active, spread_by_category, take
from suffice.scoring.learned import Learned
from suffice.vocabulary import Score, TierName, Turn


class Strategy(StrEnum):
    """How queries are drawn."""

    RANDOM = "random"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The queries to label."""

    queries: Sequence[Query]
    groups: dict[str, str]
    """The prompt group of each, among all queries of the file."""
    description: str


def choose(queries: Sequence[Query], n: int | None, sizes: Floats | None, description: str, *, seed: int) -> Choice:
    """All queries, or a sample.

    Args:
        queries: Of the file.
        n: How many groups, one query of each; None: every query.
        sizes: Of each query, for an active draw; None: all alike.
        description: How they are drawn, for people and the journal.
        seed: Of the draw.

    Raises:
        DatasetError: The extra `lab` is not installed.
    """
    names = group_queries(queries)
    groups = dict(zip((query.query_id for query in queries), names, strict=True))
    if n is None:
        return Choice(queries=queries, groups=groups, description=description)
    equal = np.ones(len(queries)) if sizes is None else sizes
    sample = draw(equal, names, n, np.random.default_rng(seed))
    return Choice(queries=take(queries, sample), groups=groups, description=description)


def size_by_bundle(queries: Sequence[Query], bundle: Bundle, threshold: float, models: tuple[str, str]) -> Floats:
    """Sizes for an active draw, by what a bundle expects.

    Args:
        queries: What may be drawn.
        bundle: Scores them as the gateway would.
        threshold: Highest complexity that the small model takes.
        models: Small and large, as the bundle may name them; unknown ones leave its probabilities out.

    Raises:
        BundleError: The bundle holds no model that can score.
    """
    known = {model: TierName(model) for model in models if model in bundle.manifest.models}
    learned = Learned(bundle, known)
    scores = [learned.score(_read_turn(query)) for query in queries]
    both = len(known) == 2
    return spread_active(
        np.array([score.complexity for score in scores]),
        threshold,
        _p_ok(scores, models[0]) if both else None,
        _p_ok(scores, models[1]) if both else None,
    )


def size_by_outcomes(queries: Sequence[Query], known: Dataset, models: tuple[str, str]) -> Floats:
    """Sizes for an active draw, by what is known of other queries, or of some of these, in the same categories.

    Raises:
        DatasetError: A model is not among the outcomes, or no query has scored outcomes of both.
    """
    pairs = known.pairs(*models)
    if not pairs.query.size:
        raise DatasetError(
            f"no query has scored outcomes of both {models[0]} and {models[1]}; give others, or --bundle"
        )
    indices: list[int] = pairs.query.tolist()
    uplifts: list[float] = pairs.uplift.tolist()
    differences = {known.queries[index].query_id: uplift for index, uplift in zip(indices, uplifts, strict=True)}
    return spread_by_category(queries, differences)


def _read_turn(query: Query) -> Turn:
    try:
        return read_features(query).turns[0]
    except RowError:
        # The gateway would refuse such messages; what is said in them is as good a guess as any.
        text = query.prompt or ""
        return Turn(text=text, n_tokens=0)


def _p_ok(scores: Sequence[Score], model: str) -> Floats:
    return np.array([score.p_ok[TierName(model)] for score in scores], dtype=np.float64)
