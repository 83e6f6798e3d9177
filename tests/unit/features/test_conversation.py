import json
from typing import Any

import pytest

from suffice.features import estimate_tokens, read
from suffice.wire.request import Endpoint, GenerationRequest, parse

PASSAGE = "\n\n".join(["The mill by the river was rebuilt in the spring of that year. " * 10] * 52)


def make_request(*messages: tuple[str, Any], **fields: Any) -> GenerationRequest:
    stated = [{"role": role, "content": content} for role, content in messages]
    return parse(Endpoint.CHAT, json.dumps({"model": "auto", "messages": stated, **fields}).encode())


def texts(request: GenerationRequest, *, max_turns: int = 12) -> list[str]:
    return [turn.text for turn in read(request, max_turns=max_turns).turns]


def test_turns_come_newest_first() -> None:
    request = make_request(
        ("user", "one"), ("assistant", "ok"), ("user", "two"), ("assistant", "ok"), ("user", "three")
    )

    assert texts(request) == ["three", "two", "one"]


def test_consecutive_user_messages_are_one_turn() -> None:
    request = make_request(("user", "one"), ("user", "more"), ("assistant", "ok"), ("user", "two"))

    assert texts(request) == ["two", "one\n\nmore"]


def test_a_system_message_between_user_messages_does_not_part_them() -> None:
    request = make_request(("user", "one"), ("system", "be brief"), ("user", "more"))

    assert texts(request) == ["one\n\nmore"]


def test_turns_beyond_the_limit_are_left_out() -> None:
    messages = [pair for index in range(20) for pair in (("user", f"q{index}"), ("assistant", "ok"))]

    assert texts(make_request(*messages), max_turns=3) == ["q19", "q18", "q17"]


def test_the_system_prompt_enters_by_length_only() -> None:
    bare = read(make_request(("user", "What is the capital of Peru?"))).turns[0]

    turn = read(make_request(("system", PASSAGE), ("user", "What is the capital of Peru?"))).turns[0]

    assert (turn.text, turn.n_tokens) == (bare.text, bare.n_tokens)
    assert bare.n_constant_tokens == 0
    assert turn.n_constant_tokens == estimate_tokens(PASSAGE)


@pytest.mark.parametrize(
    "form", ["{passage}\n\n{question}", "{question}\n\n{passage}", "{passage}\n\n{question}\n\n{passage}"]
)
def test_a_passage_enters_by_length_only(form: str) -> None:
    question = "What is the capital of Peru?"

    turn = read(make_request(("user", form.format(passage=PASSAGE, question=question)))).turns[0]

    assert turn.text == question
    assert turn.n_constant_tokens > 6_000


def test_tools_enter_by_length_only() -> None:
    tools = [
        {"type": "function", "function": {"name": f"tool_{index}", "description": PASSAGE[:500]}} for index in range(9)
    ]

    features = read(make_request(("user", "hi"), tools=tools))

    assert features.turns[0].text == "hi"
    assert features.turns[0].n_constant_tokens > 800
    assert features.has_tools


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([("system", "You are a poet."), ("assistant", "")], "You are a poet."),
        ([("assistant", None)], ""),
        ([("tool", "42")], "42"),
        ([("user", "")], ""),
        ([("user", [{"type": "image_url", "image_url": {"url": "x"}}])], ""),
    ],
)
def test_without_words_of_the_user_the_last_text_is_the_turn(messages: list[tuple[str, Any]], text: str) -> None:
    assert texts(make_request(*messages)) == [text]


@pytest.mark.parametrize(
    ("role", "expected"), [("tool", True), ("function", True), ("user", False), ("assistant", False)]
)
def test_a_tool_result_at_the_end_is_a_tool_loop(role: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    request = make_request(("user", "weather?"), (role, "sunny"))

    assert read(request).in_tool_loop is expected


def test_a_tool_call_at_the_end_is_a_tool_loop() -> None:
    call = {"id": "1", "function": {"name": "weather", "arguments": "{}"}}
    messages = [{"role": "user", "content": "weather?"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    request = parse(Endpoint.CHAT, json.dumps({"model": "auto", "messages": messages}).encode())

    features = read(request)

    assert features.in_tool_loop
    assert [turn.text for turn in features.turns] == ["weather?"]


@pytest.mark.parametrize(
    ("kind", "json_wanted", "schema_wanted"),
    [("text", False, False), ("json_object", True, False), ("json_schema", True, True)],
)
def test_the_response_format_is_told(kind: str, json_wanted: bool, schema_wanted: bool) -> None:  # noqa: FBT001 - a table's columns
    features = read(make_request(("user", "hi"), response_format={"type": kind}))

    assert (features.wants_json, features.wants_json_schema) == (json_wanted, schema_wanted)


def test_counts_of_the_request_are_told() -> None:
    image = {"type": "image_url", "image_url": {"url": "x"}}
    request = make_request(("system", "s"), ("user", [image, image, {"type": "text", "text": "compare"}]), max_tokens=7)

    features = read(request)

    assert (features.n_messages, features.n_images, features.n_answer_tokens) == (2, 2, 7)
    assert features.n_prompt_tokens > 2_000


def test_a_completion_of_token_ids_has_an_empty_turn() -> None:
    request = parse(Endpoint.COMPLETIONS, b'{"model": "auto", "prompt": [[1, 2, 3]]}')

    features = read(request)

    assert features.turns[0].text == ""
    assert features.n_prompt_tokens == 3
