"""What is trained on: texts as the gateway will see them, and what each model made of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suffice.errors import DatasetError
from suffice.lab.dataset import OK_SCORE, Dataset, group_queries, read_features
from suffice.lab.dataset.pairs import MIN_PAIRS
from suffice.lab.metrics import Floats, PairedScores

MIN_COVERAGE = 0.5
"""Share of the queries that another model must have answered to tell how hard they are."""

MIN_CATEGORIES = 2

Track = Callable[[Sequence[int]], Sequence[int]]
"""Passes numbers on and shows how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Outcomes of two or more models on the same n texts."""

    models: tuple[str, ...]
    """Cheapest first."""
    texts: Sequence[str]
    """Of the last turn, as the gateway hands it to its scorer, length n."""
    groups: Sequence[str]
    """Of near-duplicates, length n."""
    categories: Sequence[str] | None
    """Length n; None where the queries name none, or only one."""
    scores: Floats
    """By model, in [0, 1], shape (n, n_models)."""
    other_scores: Floats
    """Of models that are not to be routed to, which tell how hard a text is, shape (n, n_others); NaN where missing."""
    left_out: Mapping[str, int]
    """Queries of the dataset that are not here, by reason."""

    @property
    def n(self) -> int:
        """Texts."""
        return len(self.texts)

    @property
    def uplift(self) -> Floats:
        """What the dearest model gains over the cheapest, in [-1, 1], shape (n,)."""
        return self.scores[:, -1] - self.scores[:, 0]

    @property
    def ok(self) -> Floats:
        """1.0 where a model's answer is acceptable, else 0.0, shape (n, n_models)."""
        return (self.scores >= OK_SCORE).astype(np.float64)

    @property
    def paired(self) -> PairedScores:
        """Scores of the cheapest and the dearest model."""
        return PairedScores(self.scores[:, 0], self.scores[:, -1])

    def take(self, rows: NDArray[np.intp]) -> "Examples":
        """Some of them, in the given order."""
        indices: list[int] = rows.tolist()
        return Examples(
            models=self.models,
            texts=[self.texts[row] for row in indices],
            groups=[self.groups[row] for row in indices],
            categories=None if self.categories is None else [self.categories[row] for row in indices],
            scores=self.scores[rows],
            other_scores=self.other_scores[rows],
            left_out=self.left_out,
        )


def gather(dataset: Dataset, models: Sequence[str], *, track: Track = lambda rows: rows) -> Examples:
    """The queries that all the models answered and somebody judged.

    Args:
        dataset: Queries with their outcomes.
        models: To route to, two or more, cheapest first.
        track: Shows how far the reading of texts is.

    Raises:
        DatasetError: An unknown model, one named twice, too few queries, or nothing to tell apart in them.
    """
    if len(set(models)) < len(models):
        raise DatasetError(f"a model is named twice: {', '.join(models)}; name each tier's own")
    pairs = dataset.pairs(models[0], models[-1])
    matrix = dataset.score_matrix()
    missing = set(models) - set(dataset.models)
    for model in missing:
        dataset.outcomes_of(model)  # says which models there are
    columns = [dataset.models.index(model) for model in models]
    complete = ~np.isnan(matrix[pairs.query][:, columns]).any(axis=1)
    left_out = dict(pairs.left_out)
    if not complete.all():
        left_out["a middle model has no scored answer"] = int((~complete).sum())
    pairs.check_trainable()
    rows = pairs.query[complete]
    if rows.size < pairs.query.size:
        _check_enough(rows.size, models)
    indices: list[int] = rows.tolist()
    queries = [dataset.queries[index] for index in indices]
    numbers = track(range(len(queries)))
    texts = [read_features(queries[number]).turns[0].text for number in numbers]
    categories = [query.category or "" for query in queries]
    others = np.delete(matrix[rows], columns, axis=1)
    known = np.mean(~np.isnan(others), axis=0) >= MIN_COVERAGE
    return Examples(
        models=tuple(models),
        texts=texts,
        groups=group_queries(queries),
        categories=categories if len(set(categories)) >= MIN_CATEGORIES else None,
        scores=matrix[rows][:, columns],
        other_scores=others[:, known],
        left_out=left_out,
    )


def _check_enough(n: int, models: Sequence[str]) -> None:
    if n < MIN_PAIRS:
        raise DatasetError(
            f"{n} queries have scored answers of all of {', '.join(models)}, but {MIN_PAIRS} at least are needed"
        )
