import pytest

from suffice.errors import DatasetError
from suffice.lab.dataset import assign_folds, mark_test

GROUPS = [str(number) for number in range(1000)]


def test_another_seed_gives_other_folds() -> None:
    assert assign_folds(GROUPS, 5, seed=1).tolist() == assign_folds(GROUPS, 5, seed=1).tolist()
    assert assign_folds(GROUPS, 5, seed=1).tolist() != assign_folds(GROUPS, 5, seed=2).tolist()


def test_the_test_side_has_about_its_share_of_the_rows() -> None:
    groups = [str(number % 137) for number in range(5000)]

    share = mark_test(groups, 0.3, seed=3).mean()

    assert 0.29 < share < 0.31


def test_another_seed_tests_on_others() -> None:
    assert mark_test(GROUPS, 0.3, seed=1).tolist() != mark_test(GROUPS, 0.3, seed=2).tolist()


def test_fewer_groups_than_folds_cannot_be_parted() -> None:
    with pytest.raises(DatasetError, match="2 groups of prompts cannot be parted into 3"):
        assign_folds(["a", "b", "a"], 3)


def test_one_group_alone_cannot_be_parted() -> None:
    with pytest.raises(DatasetError, match="near-duplicates of each other"):
        mark_test(["a", "a"], 0.5)


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_a_share_that_leaves_a_side_empty_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share must be between 0 and 1"):
        mark_test(["a", "b"], share)


def test_a_single_fold_is_refused() -> None:
    with pytest.raises(ValueError, match="two folds at least"):
        assign_folds(["a", "b"], 1)
