import json
from typing import Any

import pytest

from suffice.errors import RequestError
from suffice.wire.request import MAX_COUNT, Endpoint, GenerationRequest, Message, parse

USER = {"role": "user", "content": "hello"}


def chat(**fields: Any) -> GenerationRequest:
    return parse(Endpoint.CHAT, json.dumps({"model": "auto", "messages": [USER], **fields}).encode())


def completion(**fields: Any) -> GenerationRequest:
    return parse(Endpoint.COMPLETIONS, json.dumps({"model": "auto", "prompt": "hello", **fields}).encode())


def test_what_routing_reads_is_there_by_name() -> None:
    request = chat(
        stream=True,
        stream_options={"include_usage": True, "continuous_usage_stats": True},
        max_tokens=7,
        n=2,
        tools=[{"type": "function"}],
        response_format={"type": "json_schema", "json_schema": {}},
    )

    assert request.messages == (Message(role="user", content="hello"),)
    assert (request.stream, request.include_usage, request.continuous_usage) == (True, True, True)
    assert (request.max_tokens, request.n, request.has_tools) == (7, 2, True)
    assert request.response_format == "json_schema"


def test_what_is_not_said_has_the_defaults_of_the_protocol() -> None:
    request = chat()

    assert (request.stream, request.include_usage, request.continuous_usage) == (False, False, False)
    assert (request.max_tokens, request.n, request.has_tools) == (None, 1, False)
    assert request.response_format == "text"


def test_null_is_the_same_as_not_said() -> None:
    names = ("stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "tools", "response_format")

    request = chat(**dict.fromkeys(names))

    assert request.stream is False
    assert request.max_tokens is None
    assert request.response_format == "text"


def test_the_newer_name_of_the_answers_limit_comes_first() -> None:
    request = chat(max_tokens=5, max_completion_tokens=9)

    assert request.max_tokens == 9


@pytest.mark.parametrize(
    ("name", "declared", "has_tools"),
    [("tools", ["a"], True), ("functions", ["a"], True), ("tools", [], False), ("functions", None, False)],
)
def test_tools_are_there_once_one_is_declared(name: str, declared: list[str] | None, *, has_tools: bool) -> None:
    tools = None if declared is None else [{"name": one} for one in declared]

    assert chat(**{name: tools}).has_tools is has_tools


def test_the_body_for_an_upstream_differs_in_the_model_alone() -> None:
    body = (
        b'{"model": "auto", "messages":[ {"role":"user","content":"h\\u00e9"} ], "x": 1.00, "seed":9223372036854775808}'
    )

    encoded = parse(Endpoint.CHAT, body).encode(model="llama")

    assert encoded == (
        b'{"model":"llama","messages":[ {"role":"user","content":"h\\u00e9"} ],"x":1.00,"seed":9223372036854775808}'
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (b"", b'{"include_usage":true}'),
        (b',"stream_options":null', b'{"include_usage":true}'),
        (b',"stream_options":{"include_usage":false}', b'{"include_usage":true}'),
        (b',"stream_options":{"other": [ 1 ]}', b'{"other":[ 1 ],"include_usage":true}'),
    ],
)
def test_usage_is_asked_for_beside_what_the_client_asked(options: bytes, expected: bytes) -> None:
    body = b'{"model":"auto","messages":[{"role":"user"}],"stream":true%s}' % options

    encoded = parse(Endpoint.CHAT, body).encode(model="m", include_usage=True)

    assert b'"stream_options":' + expected in encoded
    assert encoded.count(b"stream_options") == 1


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"messages": None}, "messages", "expected"),
        ({"messages": []}, "messages", "'messages' is missing or empty"),
        ({"messages": [{"content": "x"}]}, "messages", "messages[0]: object missing required field `role`"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages", "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages", "expected `object`, got `str`"),
        ({"messages": ["x"]}, "messages", "messages[0]: expected `object`, got `str`"),
        ({"model": ""}, "model", "'model' is empty"),
        ({"model": 3}, "model", "model: expected `str`, got `int`"),
        ({"stream": "yes"}, "stream", "stream: expected"),
        ({"stream_options": {"include_usage": 1}}, "stream_options", "stream_options.include_usage"),
        ({"max_tokens": 0}, "max_tokens", "'max_tokens' is 0"),
        ({"max_completion_tokens": -1}, "max_completion_tokens", "'max_completion_tokens' is -1"),
        ({"max_tokens": MAX_COUNT + 1}, "max_tokens", "from 1 to 2147483647"),
        ({"n": 10**400}, "n", "'n' is 10000000000000000000; it must be from 1"),
        ({"n": 1.5}, "n", "n: expected"),
        ({"tools": {}}, "tools", "tools: expected"),
        ({"response_format": "json"}, "response_format", "response_format: expected"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_wrong(fields: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        chat(**fields)

    assert caught.value.param == param
    assert said in str(caught.value)


def test_a_missing_model_is_named() -> None:
    with pytest.raises(RequestError, match="the body: object missing required field") as caught:
        parse(Endpoint.CHAT, b'{"messages": []}')

    assert caught.value.param == "model"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"model":"a","model":"b"}', b'{"model":"\\ud800"}', b'{"\\ud800":1}'])
def test_what_is_no_clean_object_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError):
        parse(Endpoint.CHAT, body)


def test_a_number_too_long_to_read_is_a_wrong_field() -> None:
    with pytest.raises(RequestError) as caught:
        parse(Endpoint.CHAT, b'{"model":"m","messages":[{"role":"user"}],"max_tokens":' + b"1" * 5000 + b"}")

    assert caught.value.param == "max_tokens"


@pytest.mark.parametrize(
    ("prompt", "text", "n_ids"),
    [
        ("hello", "hello", 0),
        (["one", "two"], "one\ntwo", 0),
        ([1, 2, 3], "", 3),
        ([[1, 2], [3]], "", 3),
    ],
)
def test_a_completions_prompt_is_one_user_message(prompt: Any, text: str, n_ids: int) -> None:
    request = completion(prompt=prompt)

    assert request.messages == (Message(role="user", content=text),)
    assert request.n_prompt_ids == n_ids


@pytest.mark.parametrize("prompt", ["", []])
def test_a_completion_without_a_prompt_is_refused(prompt: Any) -> None:
    with pytest.raises(RequestError, match="'prompt' is missing or empty") as caught:
        completion(prompt=prompt)

    assert caught.value.param == "prompt"


@pytest.mark.parametrize(
    ("content", "text", "n_images"),
    [
        (None, "", 0),
        ("hello", "hello", 0),
        ([], "", 0),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb", 0),
        ([{"type": "text", "text": 7}, {"type": "text"}], "", 0),
        ([{"type": "image_url"}, {"type": "input_image"}, {"type": "image"}, {"type": "text", "text": "a"}], "a", 3),
    ],
)
def test_a_message_tells_its_text_and_images(content: Any, text: str, n_images: int) -> None:
    message = Message(role="user", content=content)

    assert (message.text, message.n_images) == (text, n_images)


def test_tool_calls_and_their_results_are_read() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"x":1}'}}
    messages = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "found"},
    ]

    request = chat(messages=messages)

    calls = request.messages[1].tool_calls
    assert calls is not None
    assert calls[0].function is not None
    assert (calls[0].id, calls[0].function.name, calls[0].function.arguments) == ("c1", "look", '{"x":1}')
    assert request.messages[2].tool_call_id == "c1"
