from collections import Counter

import pytest

from suffice.lab.workload import Split, load_desk, select


def test_the_desk_has_499_prompts_63_per_cent_simple() -> None:
    counts = Counter(prompt.difficulty for prompt in load_desk())

    assert counts == {"simple": 314, "hard": 185}


def test_no_group_of_near_duplicates_is_in_both_splits() -> None:
    groups = {split: {prompt.group for prompt in select(load_desk(), split)} for split in (Split.TRAIN, Split.TEST)}

    assert groups[Split.TRAIN] & groups[Split.TEST] == set()


@pytest.mark.parametrize(("split", "n"), [(Split.TRAIN, 279), (Split.TEST, 220), (Split.ALL, 499)])
def test_a_split_is_selected_whole(split: Split, n: int) -> None:
    assert len(select(load_desk(), split)) == n


def test_a_limit_takes_the_first() -> None:
    chosen = select(load_desk(), Split.TEST, limit=3)

    assert chosen == select(load_desk(), Split.TEST)[:3]


def test_the_question_is_the_last_message() -> None:
    prompt = load_desk()[0]

    assert prompt.question.endswith("The River kayak leaked on the first night.")
