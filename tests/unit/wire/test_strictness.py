import pytest

from suffice.errors import RequestError
from suffice.wire.errors import render
from suffice.wire.strictness import MAX_DEPTH, check_document


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    """An object with a value nested `depth` deep, itself included."""
    return b'{"a":' + opening * (depth - 1) + b"1" + closing * (depth - 1) + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"a": {"b": 1}, "b": {"a": 1}}',
        b'{"a": 1, "A": 2}',
        b'{"a": [1, -2.5e3, "x", true, null]}',
        '{"ä": "ö"}'.encode(),
    ],
)
def test_ordinary_objects_pass(body: bytes) -> None:
    check_document(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": 1, "a": 1}', "'a' stands twice"),
        (b'{"a": [{"b": {"c": 1, "c": 2}}]}', "'c' stands twice"),
        (b'{"model": 1, "mod\\u0065l": 2}', "'model' stands twice"),
        (b"", "not valid JSON: Expecting value at line 1, column 1"),
        (b'{"a": 1,}', "not valid JSON"),
        (b'{"a": 1} x', "not valid JSON: Extra data"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"a": "\n"}', "not valid JSON: Invalid control character"),
        (b"\xff{}", "not UTF-8: invalid start byte at byte 0"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"[]", "must be a JSON object, not an array"),
        (b'"a"', "must be a JSON object, not a string"),
        (b"true", "must be a JSON object, not a boolean"),
        (b"null", "must be a JSON object, not null"),
        (b"12", "must be a JSON object, not a number"),
        (b"1.5", "must be a JSON object, not a number"),
    ],
)
def test_what_parsers_disagree_about_is_refused_with_its_reason(body: bytes, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_document(body)

    assert said in str(caught.value)


def test_a_key_that_stands_twice_is_named_as_the_parameter() -> None:
    with pytest.raises(RequestError) as caught:
        check_document(b'{"messages": [], "messages": []}')

    assert caught.value.param == "messages"


def test_a_key_that_no_answer_could_carry_can_still_be_reported() -> None:
    with pytest.raises(RequestError) as caught:
        check_document(b'{"\\ud800": 1, "\\ud800": 2}')

    assert b'"param":"?"' in render(caught.value)


@pytest.mark.parametrize("number", [b"1" * 5000, b"-" + b"9" * 5000, b"0." + b"3" * 5000, b"1e99999"])
def test_a_number_of_any_length_is_left_to_whoever_reads_it(number: bytes) -> None:
    check_document(b'{"a": %s}' % number)


@pytest.mark.parametrize(("opening", "closing"), [(b'{"a":', b"}"), (b"[", b"]"), (b'[{"a":', b"}]")])
def test_nesting_is_allowed_up_to_its_limit(opening: bytes, closing: bytes) -> None:
    levels = opening.count(b"[") + opening.count(b"{")
    repeats = (MAX_DEPTH - 1) // levels + 1

    check_document(nested(opening, closing, repeats))

    with pytest.raises(RequestError, match="nests deeper than 64 levels"):
        check_document(nested(opening, closing, repeats + 1))


@pytest.mark.parametrize(("opening", "closing"), [(b'{"a":', b"}"), (b"[", b"]")])
@pytest.mark.parametrize("depth", [500, 900, 5_000, 200_000])
def test_nesting_that_no_parser_survives_is_refused_all_the_same(opening: bytes, closing: bytes, depth: int) -> None:
    with pytest.raises(RequestError, match="nests deeper"):
        check_document(nested(opening, closing, depth))
