"""What is asked of a tape, and what a tape cannot know."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from suffice.upstream.call import Call
from suffice.upstream.tape import Recording, Tape
from suffice.wire.errors import render_parts

CHAT_PATH = "/chat/completions"


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _ResponseFormat(msgspec.Struct):
    type: str = "text"


class TapeRequest(msgspec.Struct):
    """A chat request, as far as a tape reads it; sampling parameters are ignored."""

    model: str
    messages: list[dict[str, Any]]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: _ResponseFormat | None = None
    stop: str | list[str] | None = None

    @property
    def limit(self) -> int | None:
        """The client's limit on the answer, in tokens."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def include_usage(self) -> bool:
        """Whether a stream should end with a usage chunk."""
        return bool(self.stream_options and self.stream_options.include_usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request cannot be answered from a tape."""

    message: str
    code: str
    param: str | None = None
    status: HTTPStatus = HTTPStatus.BAD_REQUEST

    def render(self) -> bytes:
        """The body, in OpenAI's error form."""
        return render_parts(self.message, type_="invalid_request_error", param=self.param, code=self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Playable:
    """A request with the recording that answers it."""

    request: TapeRequest
    recording: Recording


def look_up(call: Call, tape: Tape) -> Playable | Refusal:
    """Find the recording a call asks for, or say why there is none."""
    if call.path.rstrip("/") != CHAT_PATH:
        message = f"a tape answers {CHAT_PATH} alone; nothing was recorded for {call.path}"
        return Refusal(message=message, code="not_recorded", status=HTTPStatus.NOT_FOUND)
    try:
        request = _REQUEST.decode(call.body)
    except (msgspec.DecodeError, RecursionError) as error:
        return Refusal(message=f"the body is not a chat request: {error}", code="invalid_request")
    if not tape.plays(request.model):
        message = f"this tape plays {tape.model!r}, not {request.model!r}; name the tier's `model` as its `tape.model`"
        return Refusal(message=message, code="model_not_found", param="model", status=HTTPStatus.NOT_FOUND)
    for param, is_unknown, why in _UNKNOWABLE:
        if is_unknown(request):
            return Refusal(message=f"a tape cannot know the answer: {why}", code="not_recorded", param=param)
    recording = tape.find(request.messages)
    if recording is None:
        return _unknown_prompt(tape)
    return _check_length(request, recording) or Playable(request=request, recording=recording)


_REQUEST = msgspec.json.Decoder(TapeRequest)

_UNKNOWABLE: tuple[tuple[str, Callable[[TapeRequest], bool], str], ...] = (
    ("tools", lambda asked: bool(asked.tools or asked.functions), "it was recorded without tools; leave `tools` out"),
    ("n", lambda asked: (asked.n or 1) > 1, "one answer was recorded for each prompt; leave `n` out"),
    (
        "top_logprobs",
        lambda asked: (asked.top_logprobs or 0) > 1,
        "only the chosen tokens were kept; ask for `top_logprobs` of 1 at most",
    ),
    (
        "response_format",
        lambda asked: asked.response_format is not None and asked.response_format.type != "text",
        "it was recorded without a format that binds the model; leave `response_format` out",
    ),
)


def _unknown_prompt(tape: Tape) -> Refusal:
    message = (
        f"this conversation was not recorded: the tape holds {len(tape.recordings)} prompts of a support desk and a "
        "coding assistant with the real answers of small models, and no model runs behind it; "
        "`suffice demo --list` prints the prompts, and `base_urls` in place of `tape` reaches real servers"
    )
    return Refusal(message=message, code="prompt_not_recorded", param="messages", status=HTTPStatus.NOT_FOUND)


def _check_length(request: TapeRequest, recording: Recording) -> Refusal | None:
    if request.limit is not None and request.limit < recording.completion_tokens:
        needed = recording.completion_tokens
        message = f"the recorded answer has {needed} tokens; allow at least as many, not {request.limit}"
        return Refusal(message=message, code="not_recorded", param="max_tokens")
    stops = [request.stop] if isinstance(request.stop, str) else request.stop or []
    hit = next((stop for stop in stops if stop and stop in recording.text), None)
    if hit is not None:
        return Refusal(
            message=f"the recorded answer contains {hit!r}; leave `stop` out", code="not_recorded", param="stop"
        )
    return None
