import json

import pytest

from suffice.wire.edit import with_key, without_key


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b'{"id":"x","usage":null,"choices":[]}', b'{"id":"x","choices":[]}'),
        (b'{"id":"x","choices":[],"usage":null}', b'{"id":"x","choices":[]}'),
        (b'{"id": "x", "usage": null, "choices": []}', b'{"id": "x", "choices": []}'),
        (b'{"usage":{"n":1},"id":"x"}', b'{"id":"x"}'),
        (b'{ "usage": 1, "id": 2 }', b'{ "id": 2 }'),
        (b'{"usage":1}', b"{}"),
        (b'{\n  "id": 1,\n  "usage": {\n    "n": 1\n  }\n}', b'{\n  "id": 1\n}'),
    ],
)
def test_a_key_goes_with_its_value_and_one_comma(document: bytes, expected: bytes) -> None:
    assert without_key(document, "usage") == expected


@pytest.mark.parametrize(
    "document", [b"{}", b'{"id": "usage"}', b'{"a":{"usage":1}}', b'{"text":"\\"usage\\":1"}', b'{"a":["usage"]}']
)
def test_a_document_without_the_key_comes_back_as_it_is(document: bytes) -> None:
    assert without_key(document, "usage") is document


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b'{"usage":1,"a":{"b":2,"usage":1}}', b'{"a":{"b":2,"usage":1}}'),
        (b'{"a":{"b":0,"usage":12},"usage": 1}', b'{"a":{"b":0,"usage":12}}'),
        (b'{"a":[{"b":0,"usage":1}],"usage":1}', b'{"a":[{"b":0,"usage":1}]}'),
        (b'{"a":", \\"usage\\":1","usage":1}', b'{"a":", \\"usage\\":1"}'),
        (b'{"q\\"uote":1,"usage":1}', b'{"q\\"uote":1}'),
    ],
)
def test_the_same_bytes_further_down_stay(document: bytes, expected: bytes) -> None:
    assert without_key(document, "usage") == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b'{"usage":1,"id":2,"usage":3}', b'{"id":2}'),
        (b'{"usage":1,"id":2,"usage":1}', b'{"id":2}'),
        (b'{"id": 1, "usage":1, "id": 2, "usage": 12}', b'{"id":2}'),
        (b'{"usage":1, "usage" : 1}', b"{}"),
    ],
)
def test_where_the_key_stands_twice_both_go_and_the_rest_is_written_anew(document: bytes, expected: bytes) -> None:
    assert without_key(document, "usage") == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b'{"id":1}', b'{"id":1,"suffice":{"n":2}}'),
        (b'{"id": {"a": 1} }', b'{"id": {"a": 1} ,"suffice":{"n":2}}'),
        (b"{}", b'{"suffice":{"n":2}}'),
        (b'{"suffice":{"n":1},"id":1}', b'{"id":1,"suffice":{"n":2}}'),
    ],
)
def test_a_member_is_appended_and_stands_there_once(document: bytes, expected: bytes) -> None:
    written = with_key(document, "suffice", {"n": 2})

    assert written == expected
    assert json.loads(written)["suffice"] == {"n": 2}
