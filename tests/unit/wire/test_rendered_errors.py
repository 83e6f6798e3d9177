import json
from typing import Any

import pytest

from suffice.errors import OverloadedError, RequestError, SufficeError, UpstreamBrokenError
from suffice.wire.answer import parse_answer
from suffice.wire.errors import error_text, is_context_error, render, render_event
from suffice.wire.sse import Splitter


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            RequestError("no", param="model", code="odd"),
            {"message": "no", "type": "invalid_request_error", "param": "model", "code": "odd"},
        ),
        (
            OverloadedError("full", retry_after_s=1.0),
            {"message": "full", "type": "rate_limit_error", "param": None, "code": "too_many_requests"},
        ),
    ],
)
def test_an_error_is_told_in_openais_form(error: SufficeError, expected: dict[str, Any]) -> None:
    assert json.loads(render(error)) == {"error": expected}


def test_a_broken_stream_ends_in_an_error_event() -> None:
    error = UpstreamBrokenError("gone")

    events = list(Splitter().feed(render_event(error)))

    assert [(event.name, event.data) for event in events] == [(b"error", render(error))]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error":{"message":"too long","code":"context_length_exceeded"}}', "context_length_exceeded too long"),
        (b'{"error":{"message":"too long","code":400}}', "400 too long"),
        (b'{"error":{"message":"too long"}}', "too long"),
        (b'{"error":{"code":"odd"}}', "odd"),
        (b'{"error":"plainly"}', "plainly"),
        (b'{"object":"error","message":"older vLLM"}', "older vLLM"),
        (b'{"choices":[]}', ""),
        (b"<html>", ""),
    ],
)
def test_an_upstreams_words_are_found_wherever_they_stand(body: bytes, said: str) -> None:
    assert error_text(parse_answer(body)) == said


@pytest.mark.parametrize(
    ("text", "is_context"),
    [
        ("context_length_exceeded This model's maximum context length is 8192 tokens.", True),
        ("exceed_context_size_error the request exceeds the available context size", True),
        ("The input (9000 tokens) is longer than the model's context length (8192 tokens).", True),
        ("input length exceeds the context length", True),
        ("temperature must be below 2 in this context", False),
        ("the maximum length of a stop sequence is 4", False),
        ("", False),
    ],
)
def test_a_context_that_is_too_small_is_told_from_other_refusals(text: str, *, is_context: bool) -> None:
    assert is_context_error(text) is is_context
