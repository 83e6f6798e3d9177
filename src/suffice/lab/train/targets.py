"""What a single answer says of a prompt is mostly chance; what is known besides makes a quieter target.

One model's success on one prompt is one coin thrown once. Other models' success on the same prompt, and what is usual
for its category, tell more of the coin. They are used on prompts trained on alone: serving needs just the text.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suffice.lab.dataset import extras
from suffice.lab.metrics import Floats
from suffice.lab.train.examples import Examples

_PRIOR_WEIGHT = 5.0
"""Prompts that the overall mean counts for, in the mean of a category."""

_PENALTIES = (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
_N_BANDS = 5
_MIN_OTHERS = 3


def denoise(examples: Examples, folds: NDArray[np.intp]) -> Floats | None:
    """The expected uplift, from other models' outcomes and the category; None where neither is known.

    With other models, each row's is predicted from rows of other folds, so that its own outcome is not in it. The mean
    of a category is of all its rows.

    Args:
        examples: Of n texts.
        folds: Of each, shape (n,).

    Returns:
        Shape (n,).

    Source:
        Vapnik and Vashist 2009, "A new learning paradigm: learning using privileged information".
    """
    if examples.other_scores.shape[1] >= _MIN_OTHERS:
        return _from_others(examples, folds)
    return None if examples.categories is None else category_means(examples.uplift, examples.categories)


def category_means(values: Floats, categories: Sequence[str]) -> Floats:
    """Each row's category mean, shrunk towards the overall one, shape (n,)."""
    _, which = np.unique(np.asarray(categories), return_inverse=True)
    sizes = np.bincount(which)
    means = (np.bincount(which, weights=values) + _PRIOR_WEIGHT * values.mean()) / (sizes + _PRIOR_WEIGHT)
    return means[which]


def _from_others(examples: Examples, folds: NDArray[np.intp]) -> Floats:
    ridge = extras.load("sklearn.linear_model", purpose="training").RidgeCV
    known = _describe(examples)
    expected = np.empty(examples.n)
    for fold in np.unique(folds):
        inside, outside = folds != fold, folds == fold
        expected[outside] = ridge(alphas=_PENALTIES).fit(known[inside], examples.uplift[inside]).predict(known[outside])
    return expected


def _describe(examples: Examples) -> Floats:
    """How other models did on each prompt, in bands from the weakest to the strongest, and its category."""
    scores = examples.other_scores
    usual = _mean_of_known(scores, axis=0)
    of_row = np.where(np.isnan(scores).all(axis=1), usual.mean(), _mean_of_known(scores, axis=1))
    filled = np.where(np.isnan(scores), np.clip(usual + (of_row - usual.mean())[:, None], 0.0, 1.0), scores)
    n_bands = min(_N_BANDS, scores.shape[1])
    bands = np.column_stack(
        [filled[:, members].mean(axis=1) for members in np.array_split(np.argsort(usual, kind="stable"), n_bands)]
    )
    parts = [filled - usual, bands, bands**2, bands[:, :-1] * bands[:, 1:]]
    if examples.categories is not None:
        names, which = np.unique(np.asarray(examples.categories), return_inverse=True)
        parts.append(np.eye(names.size)[which])
    return np.hstack(parts)


def _mean_of_known(scores: Floats, *, axis: int) -> Floats:
    """The mean of what is no NaN; 0 where nothing is, as for a model none of whose outcomes is among these folds."""
    return np.nansum(scores, axis=axis) / np.maximum(1, (~np.isnan(scores)).sum(axis=axis))
