"""OpenAI's generation requests: a typed view of what routing needs, over bytes that survive untouched.

A request is read once. Its top-level values stay as the bytes the client sent; the few fields the gateway changes
are replaced by name, so whatever else a server understands (`guided_json`, `cache_salt`, ...) passes as it came.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from suffice.errors import RequestError
from suffice.wire.strictness import check_document

MAX_COUNT = 2**31 - 1
"""Of tokens and choices: what a 32-bit server can count, and any store can hold."""

_IMAGE_TYPES = frozenset({"image_url", "input_image", "image"})


class Endpoint(StrEnum):
    """The paths whose requests are routed."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"


class FunctionCall(msgspec.Struct):
    """The function an assistant called."""

    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct):
    """One call in an assistant message."""

    id: str | None = None
    function: FunctionCall | None = None


class Message(msgspec.Struct):
    """One message, as far as routing reads it."""

    role: str
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The text parts, joined by line breaks."""
        if isinstance(self.content, str):
            return self.content
        texts = (part.get("text") for part in self.content or ())
        return "\n".join(text for text in texts if isinstance(text, str))

    @property
    def n_images(self) -> int:
        """How many parts are images."""
        if not isinstance(self.content, list):
            return 0
        return sum(1 for part in self.content if part.get("type") in _IMAGE_TYPES)


class StreamOptions(msgspec.Struct):
    """The client's `stream_options`."""

    include_usage: bool | None = None
    continuous_usage_stats: bool | None = None
    """Of vLLM: usage in every chunk."""


class ResponseFormat(msgspec.Struct):
    """The client's `response_format`."""

    type: str = "text"


class _Stated(msgspec.Struct):
    """What both kinds of request may say; types are checked, unknown fields passed on."""

    model: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None
    tools: list[dict[str, Any]] | None = None
    functions: list[dict[str, Any]] | None = None
    response_format: ResponseFormat | None = None


class _StatedChat(_Stated):
    messages: list[Message] = []


class _StatedCompletion(_Stated):
    prompt: str | list[str | int | list[int]] = ""


_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class GenerationRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A parsed request for generated text."""

    endpoint: Endpoint
    fields: Mapping[str, msgspec.Raw]
    """Every top-level field, its value as the client wrote it."""
    model: str
    messages: tuple[Message, ...]
    """Never empty; a completion's prompt is one user message."""
    stream: bool = False
    include_usage: bool = False
    """The client asked for a usage chunk at the end of the stream."""
    continuous_usage: bool = False
    """The client asked for usage in every chunk besides."""
    max_tokens: int | None = None
    n: int = 1
    has_tools: bool = False
    response_format: str = "text"
    """`text`, `json_object` or `json_schema`."""
    n_prompt_ids: int = 0
    """Length of a completion's prompt that came as token ids."""

    def encode(self, *, model: str, include_usage: bool = False) -> bytes:
        """The body for an upstream: the client's, with `model` replaced and a stream's usage asked for."""
        fields = dict(self.fields)
        fields["model"] = msgspec.Raw(msgspec.json.encode(model))
        if include_usage:
            fields["stream_options"] = _with_usage(self.fields.get("stream_options"))
        parts = [b"%s:%s" % (msgspec.json.encode(name), bytes(value)) for name, value in fields.items()]
        return b"{" + b",".join(parts) + b"}"


def parse(endpoint: Endpoint, body: bytes) -> GenerationRequest:
    """Read a request body.

    Raises:
        RequestError: The body is no JSON object, a field has a wrong type, names a key twice, nests too deep, or the
            messages are missing. `param` names the field.
    """
    document = check_document(body)
    kind = _StatedChat if endpoint is Endpoint.CHAT else _StatedCompletion
    try:
        fields = _FIELDS.decode(body)
        stated = msgspec.json.decode(body, type=kind) if document is None else msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise RequestError(_reworded(error), param=_param(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise RequestError(f"the body is not valid JSON: {error}") from error
    _check_ranges(stated)
    messages = _messages(stated)
    return GenerationRequest(
        endpoint=endpoint,
        fields=fields,
        model=stated.model,
        messages=messages,
        stream=bool(stated.stream),
        include_usage=bool(stated.stream_options and stated.stream_options.include_usage),
        continuous_usage=bool(stated.stream_options and stated.stream_options.continuous_usage_stats),
        max_tokens=stated.max_completion_tokens or stated.max_tokens,
        n=stated.n or 1,
        has_tools=bool(stated.tools or stated.functions),
        response_format=stated.response_format.type if stated.response_format else "text",
        n_prompt_ids=_count_prompt_ids(stated),
    )


def _messages(stated: _Stated) -> tuple[Message, ...]:
    if isinstance(stated, _StatedChat):
        if not stated.messages:
            raise RequestError("'messages' is missing or empty; send at least one message", param="messages")
        return tuple(stated.messages)
    assert isinstance(stated, _StatedCompletion)  # noqa: S101 - the decoder made one of the two
    prompt = stated.prompt
    if not prompt:
        raise RequestError("'prompt' is missing or empty", param="prompt")
    texts = [prompt] if isinstance(prompt, str) else [item for item in prompt if isinstance(item, str)]
    return (Message(role="user", content="\n".join(texts)),)


def _count_prompt_ids(stated: _Stated) -> int:
    if not isinstance(stated, _StatedCompletion) or isinstance(stated.prompt, str):
        return 0
    return sum(1 if isinstance(item, int) else len(item) for item in stated.prompt if not isinstance(item, str))


def _check_ranges(stated: _Stated) -> None:
    if not stated.model:
        raise RequestError("'model' is empty; use 'auto' or the name of a tier", param="model")
    limits = (
        ("max_tokens", stated.max_tokens),
        ("max_completion_tokens", stated.max_completion_tokens),
        ("n", stated.n),
    )
    for name, value in limits:
        if value is not None and not 1 <= value <= MAX_COUNT:
            raise RequestError(f"'{name}' is {str(value)[:20]}; it must be from 1 to {MAX_COUNT}", param=name)


def _with_usage(options: msgspec.Raw | None) -> msgspec.Raw:
    stated = msgspec.json.decode(options, type=dict[str, msgspec.Raw] | None) if options is not None else None
    return msgspec.Raw(msgspec.json.encode({**(stated or {}), "include_usage": True}))


def _reworded(error: msgspec.ValidationError) -> str:
    """Msgspec's message, with the field's path in JSON's usual form."""
    message, _, path = str(error).partition(" - at ")
    where = path.strip("`").removeprefix("$.") or "the body"
    return f"{where}: {message[:1].lower()}{message[1:]}"


def _param(error: msgspec.ValidationError) -> str | None:
    message, _, path = str(error).partition(" - at ")
    if path:
        return path.strip("`").removeprefix("$").removeprefix(".").split(".")[0].split("[")[0] or None
    # A missing required field has no path of its own: "Object missing required field `model`".
    return message.split("`")[1] if "required field `" in message else None
