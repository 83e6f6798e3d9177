import asyncio
import json
from typing import Any

import pytest
from fake_models import FakeModel, Reply, make_target, say

from suffice.errors import UpstreamBusyError
from suffice.lab.label import Asking, Target
from suffice.lab.label.calls import Answer, CallError, ask
from suffice.vocabulary import Token

MESSAGES = [{"role": "user", "content": "Who?"}]
LOGPROBS: dict[str, Any] = {
    "content": [
        {
            "token": "No",
            "logprob": -0.5,
            "top_logprobs": [{"token": "No", "logprob": -0.5}, {"token": "So", "logprob": -1.5}],
        },
        {"token": "body", "logprob": -0.25, "top_logprobs": []},
    ]
}


def call(target: Target, asking: Asking | None = None) -> Answer:
    return asyncio.run(ask(target, MESSAGES, asking or Asking()))


def body_of(target: Target) -> dict[str, Any]:
    assert isinstance(target.upstream, FakeModel)
    return target.upstream.asked[-1]


def test_an_answer_comes_with_tokens_cost_and_logprobs() -> None:
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"content": "Nobody"},
        "finish_reason": "length",
        "logprobs": LOGPROBS,
    }
    target = make_target(lambda _: say(None, choices=[choice]), n_top_logprobs=2)

    answer = call(target, Asking(max_tokens=7, temperature=0.5))

    assert answer == Answer(
        text="Nobody",
        finish_reason="length",
        logprobs=(Token(text="No", logprob=-0.5, second_logprob=-1.5), Token(text="body", logprob=-0.25)),
        prompt_tokens=10,
        completion_tokens=5,
        cost_usd=(6 * 1.0 + 4 * 0.5 + 5 * 2.0) / 1e6,
    )
    assert body_of(target) == {
        "model": "small-model",
        "messages": MESSAGES,
        "temperature": 0.5,
        "max_tokens": 7,
        "logprobs": True,
        "top_logprobs": 2,
    }


def test_an_empty_answer_is_an_answer_and_json_is_text() -> None:
    assert call(make_target(lambda _: say(None))).text == ""
    assert call(make_target(lambda _: '{"content": "x"}')).text == '{"content": "x"}'


def test_what_nobody_knows_costs_nothing_known() -> None:
    assert call(make_target(lambda _: "hi", price=None)).cost_usd is None
    assert call(make_target(lambda _: say("hi", usage=None))).cost_usd is None
    odd = {"index": 0, "message": {"content": "hi"}, "logprobs": {"content": [{"token": None, "logprob": "low"}]}}
    assert call(make_target(lambda _: say(None, choices=[odd]), n_top_logprobs=0)).logprobs is None


@pytest.mark.parametrize(
    ("status", "reply", "told"),
    [
        (200, UpstreamBusyError("slow down", retry_after_s=1.0), "upstream_busy: slow down"),
        (400, json.dumps({"error": {"message": "too long", "code": "ctx"}}).encode(), "answered 400 .*ctx too long"),
        (200, json.dumps({"error": {"message": "engine died"}}).encode(), "answered 200 .*engine died"),
        (200, b"<html>", "answered 200 without an answer: <html>"),
        (200, b'{"choices": []}', "answered 200 without"),
        (200, b'{"choices": [{"message": {"content": "hi"}}], "odd": "\xff"}', "answered 200 with what is no JSON"),
    ],
)
def test_what_is_no_answer_says_why(status: int, reply: Reply, told: str) -> None:
    target = make_target(lambda _: reply, upstream=FakeModel(lambda _: reply, status=status))

    with pytest.raises(CallError, match=told):
        call(target)
