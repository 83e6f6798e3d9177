import json

import pytest

from suffice.wire.chunks import (
    holds_whole_chunks,
    last_chunk,
    mentions_usage,
    read_chunks,
    tells_usage,
    without_null_usage,
)


def chunk(text: str = "Hi", **more: object) -> bytes:
    document = {"model": "m", "choices": [{"index": 0, "delta": {"content": text}}], **more}
    return b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"


@pytest.mark.parametrize(
    "piece",
    [
        chunk(),
        chunk() * 3,
        b"data: {}\n\n",
        chunk("}\n\ndata: {"),
        chunk('"error"'),
        chunk(usage={"prompt_tokens": 1}),
        b'data: {"a":1,\r"b":2}\n\n',
    ],
)
def test_events_that_are_an_object_on_a_line_are_whole_chunks(piece: bytes) -> None:
    assert holds_whole_chunks(piece)


@pytest.mark.parametrize(
    "piece",
    [
        b"",
        b"data: [DONE]\n\n",
        chunk() + b"data: [DONE]\n\n",
        chunk()[:-1],
        chunk()[1:],
        chunk() + chunk()[:9],
        b": ping\n\n" + chunk(),
        chunk() + b": ping\n\n" + chunk(),
        chunk() + b"\n" + chunk(),
        chunk().replace(b"\n", b"\r\n"),
        chunk(error={"message": "no"}),
        chunk() + b'event: error\ndata: {"message":"no"}\n\n',
        b'data: {"a":1,\ndata: "b":2}\n\n',
        b"data: {}\nid: {}\n\n",
        b"data: {}\nevent: error\ndata: {}\n\n",
        b"data:{}\n\n",
    ],
)
def test_whatever_else_there_is_has_to_be_taken_apart(piece: bytes) -> None:
    assert not holds_whole_chunks(piece)


@pytest.mark.parametrize(
    ("piece", "rest"),
    [
        (chunk(usage=None), chunk()),
        (chunk(usage=None) * 2, chunk() * 2),
        (chunk() + chunk(usage=None), chunk() * 2),
        (chunk(usage=None, more=1), chunk(usage=None, more=1)),
        (chunk(nested={"usage": None}), chunk(nested={"usage": None})),
        (chunk('","usage":null}'), chunk('","usage":null}')),
    ],
)
def test_null_usage_goes_where_it_comes_last_and_nothing_else_does(piece: bytes, rest: bytes) -> None:
    assert without_null_usage(piece) == rest


@pytest.mark.parametrize(
    ("piece", "mentions", "tells"),
    [
        (chunk(), False, False),
        (chunk('"usage":5'), False, False),
        (chunk(usage=None), True, False),
        (chunk(usage={}), True, True),
        (chunk(usage=None) + chunk(usage={}), True, True),
        (chunk().replace(b"}\n", b',"usage": null}\n'), True, True),
    ],
)
def test_what_may_be_said_of_usage_is_not_overlooked(piece: bytes, *, mentions: bool, tells: bool) -> None:
    assert (mentions_usage(piece), tells_usage(piece)) == (mentions, tells)


def test_whole_chunks_are_read_together() -> None:
    texts = ["Hi", "}\n\ndata: {", "é🚀"]

    answers = read_chunks(b"".join(map(chunk, texts)))

    assert answers is not None
    assert [answer.choices[0].delta.content for answer in answers if answer.choices[0].delta] == texts


@pytest.mark.parametrize(
    "bad", [b"data: {no}\n\n", b'data: {"choices":7}\n\n', b'data: {"model":"\xff"}\n\n', b"data: {}{}\n\n"]
)
def test_one_that_is_no_chunk_spoils_them_all(bad: bytes) -> None:
    assert read_chunks(chunk() + bad) is None


def test_chunks_nested_too_deeply_are_none() -> None:
    deep = b'data: {"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n"

    assert read_chunks(deep) is None


@pytest.mark.parametrize("piece", [chunk("last"), chunk("first") + chunk("last"), chunk() * 3 + chunk("last")])
def test_the_last_of_them_is_found(piece: bytes) -> None:
    assert last_chunk(piece) == chunk("last")[6:-2]
