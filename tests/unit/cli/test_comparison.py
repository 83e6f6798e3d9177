import json
from typing import Any

import pytest

from suffice.cli.comparison import Answer, Likeness, compare
from suffice.cli.trials import make_trials

PLAIN: dict[str, Any] = {
    "id": "a",
    "created": 1,
    "model": "m",
    "system_fingerprint": "x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3},
}


def plain(status: int = 200, **fields: Any) -> Answer:
    return Answer(status=status, content_type="application/json", body=json.dumps({**PLAIN, **fields}).encode())


def saying(text: str, **fields: Any) -> Answer:
    return plain(
        choices=[{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}], **fields
    )


def streamed(*texts: str, usage: dict[str, Any] | None = None, done: bool = True) -> Answer:
    chunks: list[Any] = [{"id": "a", "choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    if usage is not None:
        chunks.append({"choices": [], **usage})
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + ("data: [DONE]\n\n" if done else "")
    return Answer(status=200, content_type="text/event-stream", body=body.encode())


def test_ids_times_and_fingerprints_may_differ() -> None:
    result = compare(plain(), plain(id="b"), plain(id="c", created=2, system_fingerprint=None))

    assert result.likeness is Likeness.SAME


@pytest.mark.parametrize(
    ("routed", "where"),
    [
        (saying("Ho"), 'body.choices[0].message.content: directly "Hi", through the gateway "Ho"'),
        (plain(model="n"), 'body.model: directly "m", through the gateway "n"'),
        (plain(status=500), "status: directly 200, through the gateway 500"),
        (plain(suffice={"tier": "x"}), 'body.suffice.tier: directly nothing, through the gateway "x"'),
        (plain(usage={"prompt_tokens": 3.0}), "body.usage.prompt_tokens: directly 3, through the gateway 3.0"),
        (plain(usage={}), "body.usage.prompt_tokens: directly 3, through the gateway nothing"),
    ],
)
def test_what_differs_from_two_equal_direct_answers_is_told(routed: Answer, where: str) -> None:
    result = compare(plain(), plain(), routed)

    assert result.likeness is Likeness.DIFFERENT
    assert where in result.where


def test_an_upstream_that_never_says_the_same_is_compared_by_form() -> None:
    result = compare(saying("Hi"), saying("Hello"), saying("Hey"))

    assert result.likeness is Likeness.SAME_SHAPE


def test_the_form_holds_stable_fields_to_their_values() -> None:
    result = compare(saying("Hi"), saying("Hello"), saying("Hey", model="n"))

    assert result.where == ('body.model: directly "m", through the gateway "n"',)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"usage": {"prompt_tokens": 3, "cost": 1}}, "body.usage.cost: only through the gateway: int"),
        ({"usage": {"prompt_tokens": "3"}}, "body.usage.prompt_tokens: only through the gateway: str"),
        ({"choices": []}, "body.choices[].message.content: only directly: str"),
    ],
)
def test_the_form_tells_fields_that_came_or_went(fields: dict[str, Any], where: str) -> None:
    result = compare(saying("Hi"), saying("Hello"), saying("Hey") if not fields else plain(**fields))

    assert result.likeness is Likeness.DIFFERENT
    assert where in result.where


def test_the_answer_may_be_like_either_of_the_direct_ones() -> None:
    assert compare(saying("Hi"), saying("Hello"), saying("Hello")).likeness is Likeness.SAME


def test_the_usage_chunk_of_a_stream_may_carry_our_object() -> None:
    usage = {"usage": {"prompt_tokens": 3}}
    direct = streamed("a", "b", usage=usage)

    result = compare(direct, direct, streamed("a", "b", usage={**usage, "suffice": {"cost_usd": 1}}))

    assert result.likeness is Likeness.SAME


def test_a_stream_that_does_not_end_as_it_should_is_different() -> None:
    result = compare(streamed("a"), streamed("a"), streamed("a", done=False))

    assert "body.ends with [DONE]: directly true, through the gateway false" in result.where


def test_streams_of_different_length_have_one_form() -> None:
    result = compare(streamed("a", "b"), streamed("a"), streamed("c", "d", "e"))

    assert result.likeness is Likeness.SAME_SHAPE


def test_bodies_that_are_no_json_are_compared_as_text() -> None:
    direct = Answer(status=502, content_type="text/html", body=b"<p>\xff")

    assert compare(direct, direct, direct).likeness is Likeness.SAME


def test_there_are_twenty_different_calls() -> None:
    trials = make_trials()

    assert len({trial.name for trial in trials}) == 20
    assert all("model" not in trial.body for trial in trials)
