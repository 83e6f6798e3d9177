"""Which queries are labelled, and how likely each was to be: at random, or where labels narrow the threshold most.

The threshold t* is where the quality lost by sending all of complexity up to t to the small model reaches what may be
lost. That loss, L(t) = mean of (large score - small score) where complexity <= t, adds up over everything *below* t;
queries above the plausible thresholds tell nothing about it. So a draw that looks at both sides of t alike is worse
than a random one; what pays is Neyman's allocation: inclusion in proportion to the root of the expected square of what
a query contributes (Särndal, Swensson and Wretman 1992, "Model Assisted Survey Sampling", section 3.6.2 and 12.2).
Every query keeps a chance, and 1 / chance as its weight keeps all estimates unbiased (Horvitz and Thompson 1952).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from suffice.lab.dataset import Query

Floats = NDArray[np.float64]

UNIFORM_SHARE = 0.2
"""Of the budget that is spread evenly, whatever the model believes: it may be wrong."""
REACH = 1.0
"""How far above the threshold, in complexity, queries still count: 61 % at this distance, 14 % at twice it."""


def spread_active(complexity: Floats, threshold: float, p_small: Floats | None, p_large: Floats | None) -> Floats:
    """The size of each query for an active draw.

    Args:
        complexity: Of each query, in [0, 10], shape (n,).
        threshold: Highest complexity that the small model takes.
        p_small: Probability that the small model's answer is acceptable, shape (n,); None: not known.
        p_large: The same of the large model.

    Returns:
        Positive, mean 1, shape (n,).
    """
    above = np.maximum(0.0, complexity - threshold)
    need = np.exp(-((above / REACH) ** 2) / 2)
    if p_small is not None and p_large is not None:
        # The expected square of large score - small score, both being 0 or 1: how often exactly one is acceptable.
        need = need * np.sqrt(p_small * (1 - p_large) + p_large * (1 - p_small))
    return _with_floor(need)


def spread_by_category(queries: Sequence[Query], differences: dict[str, float]) -> Floats:
    """The size of each query for an active draw where no model knows anything, but some outcomes are known.

    Args:
        queries: What may be drawn.
        differences: Large score - small score of known queries, by id.

    Returns:
        The root of the mean square of the differences in the query's category, drawn towards that of all as if ten
        more were known of each; positive, mean 1, shape (n,).
    """
    known = [(query.category, differences[query.query_id]) for query in queries if query.query_id in differences]
    overall = float(np.mean([value**2 for _, value in known])) if known else 1.0
    squares: dict[str | None, list[float]] = {}
    for category, value in known:
        squares.setdefault(category, []).append(value**2)
    root = {
        category: float(np.sqrt((sum(values) + _PRIOR * overall) / (len(values) + _PRIOR)))
        for category, values in squares.items()
    }
    return _with_floor(np.array([root.get(query.category, float(np.sqrt(overall))) for query in queries]))


_PRIOR = 10


def _with_floor(need: Floats) -> Floats:
    mean = need.mean()
    relative = need / mean if mean > 0 else np.ones(need.size)
    return UNIFORM_SHARE + (1 - UNIFORM_SHARE) * relative


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was drawn."""

    indices: NDArray[np.intp]
    """Rising, shape (n,)."""
    inclusion: Floats
    """Chance with which each was drawn, in (0, 1], shape (n,)."""


def draw(sizes: Floats, groups: Sequence[str], n: int, rng: np.random.Generator) -> Sample:
    """Draw `n` groups of near-duplicates without replacement, in proportion to size, and one query of each.

    Systematic sampling in random order, which has exactly these inclusion probabilities: Madow 1949, "On the theory
    of systematic sampling, II". A group as large as 1 / n of the whole is certain to be in.

    Args:
        sizes: Of each query, positive, shape (N,); equal ones make a simple random sample of queries.
        groups: The group of each query, length N.
        n: How many; all groups if there are no more.
        rng: Source of randomness.

    Raises:
        ValueError: A size that is not positive, or `n` under 1.
    """
    if n < 1 or not bool((sizes > 0).all()):
        raise ValueError(f"need positive sizes and one to draw at least; got {n} of {sizes.size}")
    _, group_of = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    totals: Floats = np.bincount(group_of, weights=sizes).astype(np.float64)
    chance = _inclusion(totals, n)
    by_group = np.argsort(group_of, kind="stable")
    starts = np.searchsorted(group_of[by_group], np.arange(totals.size + 1))
    # A sum of floats may fall on a group's very edge; unique, so that no group is taken twice then.
    drawn = np.unique(_draw_systematic(chance, rng))
    picked = [_pick(by_group[starts[group] : starts[group + 1]], sizes, rng) for group in drawn]
    indices = np.sort(np.array(picked, dtype=np.intp))
    inclusion = chance[group_of[indices]] * sizes[indices] / totals[group_of[indices]]
    return Sample(indices=indices, inclusion=np.minimum(1.0, inclusion))


def take(queries: Sequence[Query], sample: Sample) -> list[Query]:
    """The queries of a sample, each with its inclusion probability; times the one it had, if it was drawn before."""
    indices: list[int] = sample.indices.tolist()
    chances: list[float] = sample.inclusion.tolist()
    taken: list[Query] = []
    for index, chance in zip(indices, chances, strict=True):
        before = queries[index].inclusion_probability or 1.0
        taken.append(msgspec.structs.replace(queries[index], inclusion_probability=chance * before))
    return taken


def _inclusion(totals: Floats, n: int) -> Floats:
    """Chances in proportion to size that add up to `n`; those beyond 1 are 1, and the rest share what is left."""
    if n >= totals.size:
        return np.ones(totals.size)
    certain = np.zeros(totals.size, dtype=np.bool_)
    while True:
        chance = np.where(certain, 1.0, (n - certain.sum()) * totals / totals[~certain].sum())
        beyond = (chance >= 1.0) & ~certain
        if not beyond.any():
            return chance
        certain |= beyond


def _draw_systematic(chance: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    order = rng.permutation(chance.size)
    ends = np.cumsum(chance[order])
    n = round(float(ends[-1]))
    marks = rng.random() + np.arange(n)
    # Sums of floats may end a hair under `n`; the last mark then falls to the last group.
    return order[np.minimum(np.searchsorted(ends, marks, side="right"), chance.size - 1)]


def _pick(members: NDArray[np.intp], sizes: Floats, rng: np.random.Generator) -> int:
    if members.size == 1:
        return int(members[0])
    return int(rng.choice(members, p=sizes[members] / sizes[members].sum()))
