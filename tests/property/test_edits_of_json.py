import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from json_documents import keys, values, written_objects

from suffice.wire.edit import with_key, without_key

names = st.sampled_from(["usage", "a", "model", "n", "us"])
Written = tuple[dict[str, Any], bytes]


@given(written=written_objects(), key=names)
@example(written=({"usage": 1, "a": {"b": 2, "usage": 1}}, b'{"usage":1,"a":{"b":2,"usage":1}}'), key="usage")
@example(written=({"a": {"b": 0, "usage": 12}, "usage": 1}, b'{"a":{"b":0,"usage":12},"usage": 1}'), key="usage")
def test_a_document_without_a_key_is_what_the_json_module_makes_of_it(written: Written, key: str) -> None:
    document, text = written
    expected = {name: value for name, value in document.items() if name != key}

    found = json.loads(without_key(text, key))

    assert found == expected
    assert list(found) == list(expected)


@given(written=written_objects(), key=names)
def test_the_bytes_before_and_after_a_removed_member_stay(written: Written, key: str) -> None:
    _, text = written

    remaining = without_key(text, key)

    n_removed = len(text) - len(remaining)
    start = next((at for at, (a, b) in enumerate(zip(text, remaining, strict=False)) if a != b), len(remaining))
    assert text[:start] + text[start + n_removed :] == remaining


@given(written=written_objects(), key=keys, value=values)
@example(written=({"\\": {'"': None}}, b'{"\\\\":{"\\"":null}}'), key="\\", value=None)
def test_a_member_appended_is_what_the_json_module_makes_of_it(written: Written, key: str, value: Any) -> None:
    document, text = written

    found = json.loads(with_key(text, key, value))

    assert found == {**document, key: value}


@given(written=written_objects(), key=names, value=values)
def test_what_was_appended_can_be_taken_out_again(written: Written, key: str, value: Any) -> None:
    document, text = written

    found = json.loads(without_key(with_key(text, key, value), key))

    assert found == {name: one for name, one in document.items() if name != key}
