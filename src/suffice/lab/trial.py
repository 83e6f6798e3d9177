"""What two models made of the same requests, ready to be compared with what bundles say of these requests."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suffice.errors import DatasetError
from suffice.lab.dataset import (
    Dataset,
    Outcome,
    Pairs,
    Query,
    group_queries,
    hash_dataset,
    read_features,
    read_user_text,
)
from suffice.lab.dataset.conversations import find_conversations
from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.texts import MAX_TURNS
from suffice.lab.metrics import PairedOutcomes, PairedScores, join
from suffice.vocabulary import Features

NO_CATEGORY = "(none)"
"""Of queries without a category, where others have one."""

Note = Callable[[str], None]
"""Told what is done next, for those who wait."""


def ignore(_step: str) -> None:
    """Take no note."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """Requests that both models answered and somebody judged."""

    small: str
    large: str
    queries: Sequence[Query]
    """Length n."""
    requests: Sequence[Features]
    """The queries as the gateway reads them, length n."""
    answers: Sequence[tuple[Outcome, Outcome]]
    """Of the small and the large model, length n."""
    outcomes: PairedOutcomes
    """Its groups hold near-duplicates and turns of one conversation together."""
    left_out: Mapping[str, int]
    """Queries of the dataset that are not here, by reason."""
    dataset_hash: str
    """SHA-256 of the whole dataset's content."""


def prepare(
    dataset: Dataset,
    small: str,
    large: str,
    *,
    category: str | None = None,
    max_turns: int = MAX_TURNS,
    note: Note = ignore,
) -> Trial:
    """Pair two models' outcomes and read each query as the gateway would.

    Args:
        dataset: Queries and outcomes.
        small: Model of the first tier.
        large: Model of the top tier.
        category: Take the queries of this category alone.
        max_turns: As `routing.max_turns` of the gateway.
        note: Told of every step.

    Raises:
        DatasetError: An unknown model or category, or outcomes from which nothing can be learned: too few, all
            answers of the small model failures or none, or the large model the same everywhere better.
    """
    pairs = dataset.pairs(small, large)
    chosen, left_out = _choose(dataset, pairs, category)
    note("reading requests")
    wanted: list[int] = pairs.query[chosen].tolist()
    requests, refused = read_requests([dataset.queries[index] for index in wanted], max_turns=max_turns)
    pairs = _take(pairs, chosen[list(requests)], {**left_out, **refused})
    pairs.check_trainable()
    note("finding near-duplicates")
    indices: list[int] = pairs.query.tolist()
    queries = [dataset.queries[index] for index in indices]
    groups = _cluster(dataset.queries, pairs.query)
    of_small, of_large = dataset.outcomes_of(small), dataset.outcomes_of(large)
    return Trial(
        small=small,
        large=large,
        queries=queries,
        requests=list(requests.values()),
        answers=[(of_small[index], of_large[index]) for index in indices],
        outcomes=PairedOutcomes(
            scores=PairedScores(pairs.small_scores, pairs.large_scores),
            groups=groups,
            categories=_categories(queries) if len(set(groups)) > 1 else None,
            prompts=[read_user_text(query) for query in queries],
        ),
        left_out=pairs.left_out,
        dataset_hash=hash_dataset(dataset),
    )


def read_requests(queries: Sequence[Query], *, max_turns: int) -> tuple[dict[int, Features], Counter[str]]:
    """Read queries as the gateway would.

    Returns:
        The requests by the place of their query, rising, and how many the gateway would refuse, by reason.
    """
    requests: dict[int, Features] = {}
    refused: Counter[str] = Counter()
    for index, query in enumerate(queries):
        try:
            requests[index] = read_features(query, max_turns=max_turns)
        except RowError as error:
            refused[f"the gateway would refuse it: {error}"] += 1
    return requests, refused


def _choose(dataset: Dataset, pairs: Pairs, category: str | None) -> tuple[NDArray[np.intp], Counter[str]]:
    """Which of the pairs are wanted, and what else is left out."""
    left_out = Counter(pairs.left_out)
    indices: list[int] = pairs.query.tolist()
    names = [dataset.queries[index].category for index in indices]
    if category is None:
        return np.arange(len(names)), left_out
    chosen = np.flatnonzero([name == category for name in names])
    if not chosen.size:
        known = sorted({name for name in names if name is not None})
        listed = ", ".join(known[:20]) if known else "none: the queries have no categories"
        raise DatasetError(f"no query that both models answered is of category {category!r}; known are {listed}")
    left_out["of another category"] += len(names) - chosen.size
    return chosen, left_out


def _take(pairs: Pairs, kept: NDArray[np.intp], left_out: Mapping[str, int]) -> Pairs:
    return Pairs(
        small=pairs.small,
        large=pairs.large,
        query=pairs.query[kept],
        small_scores=pairs.small_scores[kept],
        large_scores=pairs.large_scores[kept],
        left_out=left_out,
    )


def _cluster(queries: Sequence[Query], kept: NDArray[np.intp]) -> list[str]:
    """The cluster of each query kept; made of all queries, so that the choice of two models does not change it."""
    clusters = join(group_queries(queries), find_conversations(queries))
    return [clusters[index] for index in kept.tolist()]


def _categories(queries: Sequence[Query]) -> list[str] | None:
    """The category of each query; None where they tell nothing apart."""
    names = [query.category or NO_CATEGORY for query in queries]
    return names if len(set(names)) > 1 else None
