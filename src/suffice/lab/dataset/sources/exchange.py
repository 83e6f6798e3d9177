"""OpenAI's requests and responses, and the many ways in which logs shorten them, as messages and answers."""

from collections.abc import Mapping
from typing import Any, cast

from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.sources.values import (
    as_count,
    as_list,
    as_mapping,
    as_number,
    as_text,
    decode_nested,
    drop_none,
)


def read_messages(value: object, *, field: str) -> tuple[dict[str, Any], ...]:
    """The conversation in a request, a list of messages, one message, or a mere prompt; each may be JSON in a text.

    Args:
        value: What the log has.
        field: Its name in the log, for the error.

    Raises:
        RowError: There is none of them.
    """
    sent = decode_nested(value)
    if isinstance(sent, dict):
        body = cast("dict[str, Any]", sent)
        inner = next((body[name] for name in ("messages", "prompt", "input") if body.get(name)), None)
        sent = [body] if "role" in body else decode_nested(inner)
    if isinstance(sent, str) and sent:
        return ({"role": "user", "content": sent},)
    if isinstance(sent, list) and sent:
        messages = cast("list[Any]", sent)
        if all(isinstance(message, dict) and "role" in message for message in messages):
            return tuple(messages)
        if all(isinstance(text, str) for text in messages):
            return ({"role": "user", "content": "\n".join(messages)},)
    raise RowError("has neither messages nor a prompt", field=field, value=value)


def read_answer(value: object) -> str | None:
    """The text of an answer: of a response's first choice, of a message, or as it stands."""
    value = decode_nested(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        messages = cast("list[Any]", value)
        return read_answer(messages[-1]) if messages else None
    body = as_mapping(value)
    if "choices" in body:
        choice = _first_choice(body)
        return as_text(choice.get("text")) or read_answer(choice.get("message"))
    content = body.get("content")
    if isinstance(content, list):
        texts = [as_mapping(part).get("text") for part in cast("list[Any]", content)]
        return "\n".join(text for text in texts if isinstance(text, str)) or None
    return as_text(content)


def read_response(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an outcome in a response: model, response, logprobs, tokens; only what is known."""
    usage = as_mapping(body.get("usage"))
    return drop_none(
        model=as_text(body.get("model")),
        response=read_answer(body),
        logprobs=_read_logprobs(_first_choice(body)),
        prompt_tokens=as_count(usage.get("prompt_tokens", usage.get("input_tokens"))),
        completion_tokens=as_count(usage.get("completion_tokens", usage.get("output_tokens"))),
    )


def _first_choice(body: Mapping[str, Any]) -> dict[str, Any]:
    choices = as_list(body.get("choices"))
    return as_mapping(choices[0]) if choices else {}


def _read_logprobs(choice: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Tokens in the form of `wire`: text, logprob, and that of the most likely other token."""
    tokens: list[dict[str, Any]] = []
    for item in as_list(as_mapping(choice.get("logprobs")).get("content")):
        token = as_mapping(item)
        others = [
            logprob
            for other in map(as_mapping, as_list(token.get("top_logprobs")))
            if other.get("token") != token.get("token") and (logprob := as_number(other.get("logprob"))) is not None
        ]
        second = {"second_logprob": max(others)} if others else {}
        tokens.append({"text": token.get("token"), "logprob": token.get("logprob"), **second})
    return tokens or None
