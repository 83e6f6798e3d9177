"""Errors in OpenAI's form: `{"error": {"message", "type", "param", "code"}}`."""

import msgspec

from suffice.errors import SufficeError
from suffice.wire.answer import Answer, WireError
from suffice.wire.sse import write_event


def render(error: SufficeError) -> bytes:
    """The JSON body for an error of ours."""
    return render_parts(str(error), type_=error.type, param=error.param, code=error.code)


def render_parts(message: str, *, type_: str, param: str | None, code: str) -> bytes:
    """The JSON body for an error."""
    return msgspec.json.encode({"error": {"message": message, "type": type_, "param": param, "code": code}})


def render_event(error: SufficeError) -> bytes:
    """The event that ends a stream that broke after its first byte; nothing follows it, above all no `[DONE]`."""
    return write_event(render(error), name=b"error")


def error_text(answer: Answer | None) -> str:
    """What an upstream said went wrong, in whichever of the usual places it stands."""
    if answer is None:
        return ""
    if isinstance(answer.error, WireError):
        return f"{answer.error.code or ''} {answer.error.message}".strip()
    return answer.error or answer.message or ""


def is_context_error(text: str) -> bool:
    """Whether an upstream's error says that the conversation does not fit its context.

    Source: the messages of OpenAI (`context_length_exceeded`), vLLM ("maximum context length is"), llama.cpp's
    server (`exceed_context_size_error`, "exceeds the available context size"), SGLang ("longer than the model's
    context length") and Ollama ("input length exceeds the context length").
    """
    lowered = text.lower()
    return "context" in lowered and any(mark in lowered for mark in _CONTEXT_MARKS)


_CONTEXT_MARKS = ("context_length_exceeded", "maximum context", "context length", "context size", "context_size")
