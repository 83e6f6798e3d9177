from typing import Any

from suffice.lab.dataset import Query
from suffice.lab.dataset.conversations import find_conversations


def said(*texts: str, system: str | None = None) -> Query:
    turns: list[dict[str, Any]] = [
        {"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(texts)
    ]
    first = [{"role": "system", "content": system}] if system else []
    return Query(query_id="/".join(texts), messages=(*first, *turns))


def test_a_follow_up_is_of_the_conversation_that_it_continues() -> None:
    opening, second, third = said("Why?"), said("Why?", "So.", "How?"), said("Why?", "So.", "How?", "Thus.", "When?")

    names = find_conversations([third, opening, second])

    assert len(set(names)) == 1


def test_a_turn_that_is_missing_does_not_part_a_conversation() -> None:
    names = find_conversations([said("Why?"), said("Why?", "So.", "How?", "Thus.", "When?")])

    assert len(set(names)) == 1


def test_different_conversations_have_different_names() -> None:
    names = find_conversations(
        [said("Why?"), said("Who?"), said("Who?", "Me.", "And?"), said("Why?", system="Be brief.")]
    )

    assert names[1] == names[2]
    assert len(set(names)) == 3


def test_an_opening_that_many_share_joins_none_of_them() -> None:
    hi, one, other = said("Hi"), said("Hi", "Hello!", "Why?"), said("Hi", "Good day!", "Who?")

    names = find_conversations([hi, one, other])

    assert len(set(names)) == 3


def test_a_prompt_is_the_opening_of_a_conversation() -> None:
    names = find_conversations([Query(query_id="p", prompt="Why?"), said("Why?", "So.", "How?")])

    assert names[0] == names[1]


def test_equal_queries_are_of_one_conversation() -> None:
    assert len(set(find_conversations([said("Hi"), said("Hi")]))) == 1
