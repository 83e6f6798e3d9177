"""Near-duplicates are never parted, and the order of the input decides nothing."""

import random
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from suffice.lab.dataset import assign_folds, group_texts, mark_test

WORDS = st.sampled_from(["how", "many", "sheep", "has", "anna", "left", "if", "bob", "takes", "two", "of", "them", "7"])
texts = st.lists(WORDS, max_size=14).map(" ".join)
seeds = st.integers(0, 2**32 - 1)
group_names = st.lists(st.sampled_from("abcdefghijkl"), min_size=3, max_size=80).filter(
    lambda names: len(set(names)) > 2
)


def slowly_grouped(given_texts: Sequence[str]) -> list[set[int]]:
    """Groups by their definition: join whatever is similar until nothing changes."""
    sets = [
        {tuple(words[i : i + 3]) for i in range(len(words) - 2)} or {tuple(words)}
        for words in (text.split() for text in given_texts)
    ]
    groups = [{index} for index in range(len(sets))]
    for i, left in enumerate(sets):
        for j, right in enumerate(sets):
            if 10 * len(left & right) >= 7 * len(left | right):
                first, other = (next(group for group in groups if index in group) for index in (i, j))
                if first is not other:
                    first |= other
                    groups.remove(other)
    return groups


@settings(deadline=None)
@given(st.lists(texts, max_size=25))
def test_groups_are_those_of_the_definition(given_texts: list[str]) -> None:
    names = group_texts(given_texts)

    for group in slowly_grouped(given_texts):
        assert len({names[index] for index in group}) == 1
    assert len(set(names)) == len(slowly_grouped(given_texts))


@settings(deadline=None)
@given(st.lists(texts, max_size=25), seeds)
def test_the_order_of_texts_does_not_change_their_groups(given_texts: list[str], seed: int) -> None:
    order = random.Random(seed).sample(range(len(given_texts)), len(given_texts))

    names = group_texts(given_texts)

    assert group_texts([given_texts[index] for index in order]) == [names[index] for index in order]


@given(group_names, st.integers(2, 3), seeds)
def test_no_group_is_in_two_folds_and_no_fold_is_empty(groups: list[str], n_folds: int, seed: int) -> None:
    folds = assign_folds(groups, n_folds, seed=seed)

    assert len({(group, int(fold)) for group, fold in zip(groups, folds, strict=True)}) == len(set(groups))
    assert set(folds.tolist()) == set(range(n_folds))


@given(group_names, st.floats(0.05, 0.95), seeds)
def test_no_group_is_trained_on_and_tested(groups: list[str], share: float, seed: int) -> None:
    is_test = mark_test(groups, share, seed=seed)

    assert len({(group, bool(test)) for group, test in zip(groups, is_test, strict=True)}) == len(set(groups))
    assert 0 < is_test.sum() < len(groups)


@given(group_names, seeds, seeds)
def test_the_order_of_rows_does_not_change_the_split(groups: list[str], seed: int, shuffle_seed: int) -> None:
    order: list[int] = np.random.default_rng(shuffle_seed).permutation(len(groups)).tolist()
    shuffled = [groups[index] for index in order]

    np.testing.assert_array_equal(assign_folds(shuffled, 3, seed=seed), assign_folds(groups, 3, seed=seed)[order])
    np.testing.assert_array_equal(mark_test(shuffled, 0.3, seed=seed), mark_test(groups, 0.3, seed=seed)[order])


@given(st.lists(st.integers(1, 9), min_size=5, max_size=60), seeds)
def test_folds_differ_by_the_largest_group_at_most(sizes: list[int], seed: int) -> None:
    groups = [f"group {index}" for index, size in enumerate(sizes) for _ in range(size)]

    n_rows = np.bincount(assign_folds(groups, 5, seed=seed), minlength=5)

    assert n_rows.max() - n_rows.min() <= max(sizes)
