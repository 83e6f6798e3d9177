import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from json_documents import keys, objects, values

from suffice.errors import RequestError
from suffice.wire.errors import render
from suffice.wire.request import Endpoint, GenerationRequest, parse
from suffice.wire.strictness import MAX_DEPTH, check_document

REQUIRED = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
LIMITS = ("max_tokens", "max_completion_tokens", "n")
TYPED = frozenset({"model", "messages", "stream", "stream_options", *LIMITS, "tools", "functions", "response_format"})
unknown_fields = st.dictionaries(keys.filter(lambda key: key not in TYPED), values, max_size=6)
separators = st.sampled_from([(",", ":"), (", ", ": ")])
endpoints = st.sampled_from(Endpoint)
models = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def parse_or_refusal(endpoint: Endpoint, body: bytes) -> GenerationRequest | bytes:
    """The request, or what the client gets in its place; any other exception fails the test."""
    try:
        return parse(endpoint, body)
    except RequestError as error:
        return render(error)


def raw_fields(body: bytes) -> dict[str, bytes]:
    return {name: bytes(raw) for name, raw in msgspec.json.decode(body, type=dict[str, msgspec.Raw]).items()}


@given(unknown=unknown_fields, between=separators, model=models, streams=st.booleans())
def test_every_field_but_the_replaced_ones_keeps_its_bytes(
    unknown: dict[str, Any], between: tuple[str, str], model: str, *, streams: bool
) -> None:
    fields = {**unknown, **REQUIRED, "stream": streams}
    body = json.dumps(fields, separators=between, ensure_ascii=False).encode()

    encoded = parse(Endpoint.CHAT, body).encode(model=model, include_usage=streams)

    sent, got = raw_fields(body), raw_fields(encoded)
    assert json.loads(got.pop("model")) == model
    del sent["model"]
    if streams:
        assert json.loads(got.pop("stream_options")) == {"include_usage": True}
    assert got == sent
    assert list(got) == list(sent)


@given(unknown=unknown_fields, model=models)
def test_what_is_sent_on_parses_to_the_same_request(unknown: dict[str, Any], model: str) -> None:
    request = parse(Endpoint.CHAT, json.dumps({**unknown, **REQUIRED}).encode())

    again = parse(Endpoint.CHAT, request.encode(model=model))

    assert again.model == model
    assert again.messages == request.messages
    assert again.encode(model=model) == request.encode(model=model)


@given(body=st.binary(max_size=200), endpoint=endpoints)
@example(body=b'{"a":' + b"7" * 5_000 + b"}", endpoint=Endpoint.CHAT)
@example(body=b'{"\\udfff":1,"\\udfff":2}', endpoint=Endpoint.CHAT)
@example(body=b"[" * 100_000, endpoint=Endpoint.COMPLETIONS)
def test_no_bytes_do_anything_but_parse_or_be_refused(body: bytes, endpoint: Endpoint) -> None:
    found = parse_or_refusal(endpoint, body)

    assert found.messages if isinstance(found, GenerationRequest) else json.loads(found)["error"]["message"]


@given(document=objects, wrong=st.dictionaries(st.sampled_from(sorted(TYPED)), values, min_size=1, max_size=3))
def test_no_types_do_anything_but_parse_or_be_refused(document: dict[str, Any], wrong: dict[str, Any]) -> None:
    body = json.dumps({**document, **REQUIRED, **wrong}).encode()

    found = parse_or_refusal(Endpoint.CHAT, body)

    if isinstance(found, GenerationRequest):
        assert found.encode(model="m", include_usage=True)
    else:
        assert json.loads(found)["error"]["message"]


def wrap(inner: str, path: Sequence[str]) -> str:
    for kind in path:
        inner = f"[{inner}]" if kind == "list" else f'{{"{kind}": {inner}}}'
    return inner


paths = st.lists(st.sampled_from(["list", "a", "b"]), max_size=MAX_DEPTH - 3)


@given(key=keys, first=values, second=values, path=paths, between=objects)
def test_a_key_that_stands_twice_is_refused_at_any_depth(
    key: str, first: Any, second: Any, path: list[str], between: dict[str, Any]
) -> None:
    between.pop(key, None)
    members = [(key, first), *between.items(), (key, second)]
    inner = "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members) + "}"

    with pytest.raises(RequestError) as caught:
        check_document(f'{{"outer": {wrap(inner, path)}}}'.encode())

    assert "stands twice" in str(caught.value) or "nests deeper" in str(caught.value)


@given(path=st.lists(st.sampled_from(["list", "a"]), min_size=MAX_DEPTH - 5, max_size=MAX_DEPTH + 5))
def test_nesting_is_refused_exactly_over_its_limit(path: list[str]) -> None:
    body = f'{{"outer": {wrap("1", path)}}}'.encode()

    if 1 + len(path) <= MAX_DEPTH:
        check_document(body)
    else:
        with pytest.raises(RequestError, match="nests deeper"):
            check_document(body)
