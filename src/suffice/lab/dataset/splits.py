"""Parting rows for training and measuring, whole groups at a time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suffice.errors import DatasetError


def assign_folds(groups: Sequence[str], n_folds: int, *, seed: int = 0) -> NDArray[np.intp]:
    """A fold for each row: every group is in one fold, and folds are about equally large.

    Groups are shuffled, then given, the largest first, to the fold that has least. The order of rows plays no part.

    Args:
        groups: The group of each row, length n.
        n_folds: Two at least.
        seed: Of the shuffling.

    Returns:
        Numbers from 0 to `n_folds` - 1, shape (n,); no fold is empty.

    Raises:
        DatasetError: Fewer groups than folds.
        ValueError: Fewer than two folds.
    """
    if n_folds < 2:
        raise ValueError(f"need two folds at least; got {n_folds}")
    names, members, sizes = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True, return_counts=True)
    if names.size < n_folds:
        raise DatasetError(f"{names.size} groups of prompts cannot be parted into {n_folds}; take fewer folds")
    order = np.random.default_rng(seed).permutation(names.size)
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of_group = np.zeros(names.size, dtype=np.intp)
    fold_sizes = np.zeros(n_folds, dtype=np.intp)
    for group in order:
        fold = int(np.argmin(fold_sizes))
        fold_of_group[group] = fold
        fold_sizes[fold] += sizes[group]
    return fold_of_group[members]


def mark_test(groups: Sequence[str], share: float, *, seed: int = 0) -> NDArray[np.bool_]:
    """Which rows are for testing: random groups, until they hold about a share of the rows.

    Args:
        groups: The group of each row, length n.
        share: Of the rows, in (0, 1).
        seed: Of the choice; the order of rows plays no part.

    Returns:
        Shape (n,); both sides have one group at least.

    Raises:
        DatasetError: Fewer than two groups.
        ValueError: A share outside (0, 1).
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"share must be between 0 and 1; got {share}")
    names, members, sizes = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True, return_counts=True)
    if names.size < 2:
        raise DatasetError("all prompts are near-duplicates of each other; there is nothing to train on and test")
    order = np.random.default_rng(seed).permutation(names.size)
    n_before = np.cumsum(sizes[order]) - sizes[order]
    # A group belongs to the side on which more than half of it lies.
    is_test = n_before + sizes[order] / 2 < share * len(groups)
    is_test[0], is_test[-1] = True, False
    of_group = np.zeros(names.size, dtype=np.bool_)
    of_group[order] = is_test
    return of_group[members]
