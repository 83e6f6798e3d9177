import json
from typing import Any

import pytest

from suffice.wire.answer import Answer, Assembly, parse_answer


def read(**fields: Any) -> Answer:
    answer = parse_answer(json.dumps(fields).encode())
    assert answer is not None
    return answer


def delta(index: int = 0, *, finish_reason: str | None = None, **fields: Any) -> Answer:
    return read(model="m", choices=[{"index": index, "delta": fields, "finish_reason": finish_reason}])


def call(
    index: int | None, *, call_id: str | None = None, name: str | None = None, arguments: str | None = None
) -> Any:
    piece: dict[str, Any] = {"id": call_id, "function": {"name": name, "arguments": arguments}}
    return piece if index is None else {"index": index, **piece}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"choices":{}}',
        b'{"choices":[{"index":"0"}]}',
        b'{"model":"\xff"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_is_none(body: bytes) -> None:
    assert parse_answer(body) is None


def test_usage_is_read_with_the_tokens_that_were_cached() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": None, "prompt_tokens_details": {"cached_tokens": 3}}

    answer = read(usage=usage)

    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert (answer.usage.prompt_tokens, answer.usage.prompt_tokens_details.cached_tokens) == (5, 3)


def test_a_stream_is_put_together_piece_by_piece() -> None:
    assembly = Assembly()

    brought = [
        assembly.add(chunk)
        for chunk in (
            delta(role="assistant", content=""),
            delta(content="six "),
            delta(content="times"),
            delta(finish_reason="stop"),
            read(choices=[], usage={"prompt_tokens": 1}),
        )
    ]

    assert brought == [False, True, True, False, False]
    assert (assembly.text, assembly.finish_reason, assembly.model) == ("six times", "stop", "m")
    assert assembly.n_pieces == 2


def test_a_plain_answer_is_taken_in_whole() -> None:
    assembly = Assembly()
    message = {"role": "assistant", "content": "42", "tool_calls": [call(None, call_id="c", name="f", arguments="{}")]}

    assembly.add(read(model="m", choices=[{"message": message, "finish_reason": "tool_calls"}]))

    assert assembly.text == "42"
    assert [(made.id, made.function and made.function.name) for made in assembly.tool_calls] == [("c", "f")]


def test_a_completions_text_is_its_content() -> None:
    assembly = Assembly()

    brought = [assembly.add(read(choices=[{"text": text}])) for text in ("a", "", "b")]

    assert brought == [True, False, True]
    assert assembly.text == "ab"


def test_only_the_first_choice_is_kept_but_all_count() -> None:
    assembly = Assembly()

    brought = assembly.add(delta(1, content="other", finish_reason="stop"))

    assert brought
    assert (assembly.text, assembly.finish_reason, assembly.n_pieces) == ("", None, 1)


@pytest.mark.parametrize("name", ["content", "reasoning", "reasoning_content", "refusal"])
def test_thoughts_and_refusals_count_as_pieces_of_the_answer(name: str) -> None:
    assembly = Assembly()

    brought = assembly.add(read(choices=[{"delta": {name: "hm"}}]))

    assert brought
    assert assembly.text == ("hm" if name == "content" else "")


def test_arguments_of_calls_are_joined_by_index() -> None:
    assembly = Assembly()

    for pieces in (
        [call(1, call_id="b", name="second", arguments="")],
        [call(0, call_id="a", name="first", arguments='{"x"')],
        [call(0, arguments=":1}"), call(1, arguments="{}")],
    ):
        assembly.add(delta(tool_calls=pieces))

    made = [(one.id, one.function and (one.function.name, one.function.arguments)) for one in assembly.tool_calls]
    assert made == [("a", ("first", '{"x":1}')), ("b", ("second", "{}"))]


def test_a_name_may_come_after_the_first_arguments() -> None:
    assembly = Assembly()

    for piece in (call(0, call_id="a"), call(0, name="late", arguments="{}"), call(0, name="other")):
        assembly.add(delta(tool_calls=[piece]))

    made = assembly.tool_calls[0].function
    assert made is not None
    assert (made.name, made.arguments) == ("late", "{}")


def test_a_call_whose_function_comes_later_keeps_its_id() -> None:
    assembly = Assembly()

    assembly.add(delta(tool_calls=[{"index": 0, "id": "a"}]))
    assembly.add(delta(tool_calls=[call(0, name="f", arguments="{}")]))

    made = assembly.tool_calls[0]
    assert made.function is not None
    assert (made.id, made.function.name) == ("a", "f")


def test_a_piece_that_brings_no_function_takes_none_away() -> None:
    assembly = Assembly()

    assembly.add(delta(tool_calls=[call(0, name="f", arguments="{}")]))
    assembly.add(delta(tool_calls=[{"index": 0, "id": "a"}]))

    made = assembly.tool_calls[0]
    assert made.function is not None
    assert (made.id, made.function.name, made.function.arguments) == ("a", "f", "{}")


def test_a_choice_without_anything_brings_nothing() -> None:
    assembly = Assembly()

    brought = assembly.add(read(choices=[{"index": 0}]))

    assert not brought
    assert assembly.tool_calls == []
