"""What is trained on: texts as the gateway will see them, and what each model made of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from suffice.errors import DatasetError
from suffice.lab.dataset import OK_SCORE, Dataset, Pairs, Query, group_queries, read_features
from suffice.lab.dataset.conversations import find_conversations
from suffice.lab.dataset.report import RowError
from suffice.lab.metrics import Floats, PairedScores, join

MIN_COVERAGE = 0.5
"""Share of the queries that another model must have answered to tell how hard they are."""

MIN_CATEGORIES = 2

Track = Callable[[Sequence[int]], Iterable[int]]
"""Passes numbers on and shows how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Outcomes of two or more models on the same n texts."""

    models: tuple[str, ...]
    """Cheapest first."""
    texts: Sequence[str]
    """Of the last turn, as the gateway hands it to its scorer, length n."""
    groups: Sequence[str]
    """Of near-duplicates and of turns of one conversation, length n."""
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
    for model in models[1:-1]:
        dataset.outcomes_of(model)  # says which models there are
    columns = [dataset.models.index(model) for model in models]
    matrix = dataset.score_matrix()[pairs.query]
    complete = ~np.isnan(matrix[:, columns]).any(axis=1)
    left_out = Counter(pairs.left_out)
    left_out["a middle model has no scored answer"] += int((~complete).sum())
    places: list[int] = np.flatnonzero(complete).tolist()
    texts = _read_texts(_pick(dataset, pairs), track(places), left_out)
    kept = np.array(list(texts), dtype=np.intp)
    pairs = _take(pairs, kept, +left_out)
    pairs.check_trainable()
    queries = _pick(dataset, pairs)
    categories = [query.category or "" for query in queries]
    others = np.delete(matrix[kept], columns, axis=1)
    known = np.mean(~np.isnan(others), axis=0) >= MIN_COVERAGE
    return Examples(
        models=tuple(models),
        texts=list(texts.values()),
        groups=join(group_queries(queries), find_conversations(queries)),
        categories=categories if len(set(categories)) >= MIN_CATEGORIES else None,
        scores=matrix[kept][:, columns],
        other_scores=others[:, known],
        left_out=pairs.left_out,
    )


def _pick(dataset: Dataset, pairs: Pairs) -> list[Query]:
    indices: list[int] = pairs.query.tolist()
    return [dataset.queries[index] for index in indices]


def _read_texts(queries: Sequence[Query], places: Iterable[int], left_out: Counter[str]) -> dict[int, str]:
    """Texts of the last turn by place of their query; counts those that the gateway would refuse."""
    texts: dict[int, str] = {}
    for place in places:
        try:
            texts[place] = read_features(queries[place]).turns[0].text
        except RowError as error:
            left_out[f"the gateway would refuse it: {error}"] += 1
    return texts


def _take(pairs: Pairs, kept: NDArray[np.intp], left_out: Mapping[str, int]) -> Pairs:
    return replace(
        pairs,
        query=pairs.query[kept],
        small_scores=pairs.small_scores[kept],
        large_scores=pairs.large_scores[kept],
        left_out=left_out,
    )


def sample(examples: Examples, n: int, *, seed: int) -> Examples:
    """Random whole groups, until there are n texts; those left out are counted.

    Args:
        examples: More than n.
        n: How many.
        seed: Of the choice.
    """
    drawn = examples.take(draw_groups(examples.groups, n, seed=seed))
    return replace(drawn, left_out={**examples.left_out, f"beyond the {n:,} that are drawn": examples.n - n})


def draw_groups(groups: Sequence[str], n_rows: int, *, seed: int) -> NDArray[np.intp]:
    """Rows of random whole groups, until there are as many as wanted; the last group may be cut."""
    names, which = np.unique(np.asarray(groups), return_inverse=True)
    order = np.random.default_rng(seed).permutation(names.size)
    rank = np.empty(names.size, dtype=np.intp)
    rank[order] = np.arange(names.size)
    return np.sort(np.argsort(rank[which], kind="stable")[:n_rows])
