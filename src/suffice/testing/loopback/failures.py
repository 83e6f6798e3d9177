"""The errors of real servers, in their own words and forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec

from suffice.testing.loopback.directives import Behaviour
from suffice.testing.loopback.options import Dialect, LoopbackOptions
from suffice.testing.loopback.question import Question

_OPENAI_TYPES = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def refuse(
    status: int, message: str, dialect: Dialect, *, param: str | None = None, code: str | None = None
) -> Refusal:
    """An error in OpenAI's form; vLLM's differs in its types and has the status for a code."""
    if dialect is Dialect.VLLM:
        kind = HTTPStatus(status).phrase.replace(" ", "") + "Error"
        error = {"message": message, "type": kind, "param": param, "code": status}
    else:
        kind, usual_code = _OPENAI_TYPES.get(
            status, ("server_error" if status >= 500 else "invalid_request_error", None)
        )
        error = {"message": message, "type": kind, "param": param, "code": code or usual_code}
    return Refusal(status=status, body=msgspec.json.encode({"error": error}))


def check_model(model: str, options: LoopbackOptions) -> Refusal | None:
    """404 for a model that is not served here."""
    if model in options.models:
        return None
    return refuse(404, f"The model `{model}` does not exist.", options.dialect, param="model")


def check_context(question: Question, behaviour: Behaviour, options: LoopbackOptions) -> Refusal | None:
    """400 for what does not fit the context, in the words of OpenAI or vLLM."""
    limit = behaviour.count("context") or options.context_tokens
    n_prompt, n_answer = question.n_prompt_tokens, question.max_tokens or 0
    if n_prompt + n_answer <= limit:
        return None
    named = behaviour.words("context")[1:]
    dialect = Dialect(named[0]) if named else options.dialect
    message = (
        f"This model's maximum context length is {limit} tokens. However, you requested {n_prompt + n_answer} tokens "
        f"({n_prompt} in the messages, {n_answer} in the completion). Please reduce the length of the messages or "
        "completion."
    )
    return refuse(400, message, dialect, param="messages", code="context_length_exceeded")


def ordered_refusal(behaviour: Behaviour, options: LoopbackOptions) -> Refusal | None:
    """The error that `!status` orders: FastAPI's form for 422, plain text for 500, a proxy's page for 502 to 504."""
    status = behaviour.count("status")
    if status is None:
        return None
    wait = behaviour.words("status")[1:]
    headers = {"retry-after": wait[0]} if wait else {}
    body, content_type = refuse(status, f"ordered to answer {status}", options.dialect).body, "application/json"
    if status == 422:
        detail = [{"loc": ["body", "messages"], "msg": "field required", "type": "missing"}]
        body = msgspec.json.encode({"detail": detail})
    elif status == 500:
        body, content_type = b"Internal Server Error", "text/plain; charset=utf-8"
    elif status >= 502:
        body = f"<html><body><h1>{status} {HTTPStatus(status).phrase}</h1></body></html>".encode()
        content_type = "text/html"
    return Refusal(status=status, body=body, content_type=content_type, headers=headers)


def error_event(behaviour: Behaviour, options: LoopbackOptions) -> bytes:
    """What a server that fails in mid-stream sends: OpenAI names its event, vLLM does not."""
    named = behaviour.words("error")[1:]
    dialect = Dialect(named[0]) if named else options.dialect
    body = refuse(500, "the engine died", dialect).body
    return (b"event: error\n" if dialect is Dialect.OPENAI else b"") + b"data: " + body + b"\n\n"
