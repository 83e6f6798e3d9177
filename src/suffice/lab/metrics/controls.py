"""Complexities of the routers that any other must beat."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suffice.features import estimate_tokens
from suffice.lab.metrics.gain import PairedScores
from suffice.lab.metrics.ranking import Floats

N_FOLDS = 5


def shuffled(n: int) -> Floats:
    """Equal complexities, shape (n,): the metrics send equals in random order and give the exact expectation."""
    return np.zeros(n)


def length(prompts: Sequence[str]) -> Floats:
    """Complexity by the estimated number of tokens, shape (n,): long is hard."""
    return np.array([estimate_tokens(prompt) for prompt in prompts], dtype=np.float64)


def oracle(scores: PairedScores) -> Floats:
    """The true uplift, shape (n,): the best order there is, known only afterwards."""
    return scores.uplift


def category_only(
    uplift: Floats, categories: Sequence[str], groups: Sequence[str], *, n_folds: int = N_FOLDS, seed: int = 0
) -> Floats:
    """Each category's mean uplift, from the other folds: what knowing the kind of a prompt is worth.

    Means are shrunk towards the overall one, the more the fewer prompts a category has, and are told as differences
    from it: where categories mean nothing, all prompts are equal. A category unseen in the other folds is average.

    Args:
        uplift: Score of the large model less that of the small one, shape (n,).
        categories: Of each prompt, length n.
        groups: Of each prompt; a group is never split over folds. Length n.
        n_folds: At least 2; at most one per group is used.
        seed: Of the folds.

    Returns:
        Complexities, shape (n,).

    Raises:
        ValueError: Lengths differ, or there are fewer than two groups or folds.

    Source:
        Efron and Morris 1975, "Data analysis using Stein's estimator and its generalizations"; the variance between
        categories by DerSimonian and Laird 1986, "Meta-analysis in clinical trials", with the pooled variance within.
    """
    if not uplift.size == len(categories) == len(groups):
        raise ValueError(f"{uplift.size} prompts, {len(categories)} categories, {len(groups)} groups")
    _, category_of = np.unique(np.asarray(categories), return_inverse=True)
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    if min(n_folds, names.size) < 2:
        raise ValueError(f"need two folds of groups at least; got {n_folds} folds, {names.size} groups")
    fold_of = np.random.default_rng(seed).permutation(np.arange(names.size) % n_folds)[group_of]
    complexity = np.empty(uplift.size)
    for fold in np.unique(fold_of):
        held = fold_of == fold
        effects = _shrunk_effects(uplift[~held], category_of[~held], int(category_of.max()) + 1)
        complexity[held] = effects[category_of[held]]
    return complexity


def _shrunk_effects(uplift: Floats, category_of: NDArray[np.intp], n_categories: int) -> Floats:
    """Each category's expected difference from the overall mean, shape (n_categories,); 0 for one without prompts."""
    sizes = np.bincount(category_of, minlength=n_categories).astype(np.float64)
    seen = sizes > 0
    sums = np.bincount(category_of, weights=uplift, minlength=n_categories)
    overall = uplift.mean()
    effects = np.where(seen, sums / np.maximum(sizes, 1) - overall, 0.0)
    within = np.sum((uplift - overall - effects[category_of]) ** 2) / max(1, uplift.size - int(seen.sum()))
    heterogeneity = sizes @ effects**2 - within * (int(seen.sum()) - 1)
    between = max(0.0, heterogeneity / max(1.0, uplift.size - sizes @ sizes / uplift.size))
    if between == 0:
        return np.zeros(n_categories)
    return effects * between / (between + within / np.maximum(sizes, 1))
