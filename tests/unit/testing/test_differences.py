"""The comparer sees every kind of difference: a blind one would make the contract suite worthless."""

from typing import Any

import pytest

from suffice.testing import differences, read_events


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        ({"a": 1}, {"a": 2}, "$.a"),
        ({"a": 1}, {"a": 1.0}, "$.a"),
        ({"a": None}, {}, "$.a"),
        ({}, {"a": None}, "$.a"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "$"),
        ([1, 2], [1], "$"),
        ([{"a": [1]}], [{"a": [2]}], "$[0].a[0]"),
        (True, 1, "$"),
    ],
)
def test_a_difference_is_found_where_it_is(one: Any, other: Any, where: str) -> None:
    found = differences(one, other)

    assert len(found) == 1
    assert found[0].startswith(f"{where}: ")


def test_equal_documents_have_no_differences() -> None:
    document = {"a": [1, {"b": None}], "c": "x"}

    assert differences(document, {"a": [1, {"b": None}], "c": "x"}) == []


def test_events_are_read_in_order_and_an_unfinished_one_is_kept() -> None:
    body = b': note\n\ndata: {"a":1}\n\nevent: error\ndata: oops\n\ndata: [DONE]\n\ndata: {"cut'

    assert read_events(body) == ["", {"a": 1}, "oops", "[DONE]", b'data: {"cut']
