"""OpenAI's answers, plain and streamed: a typed view of what cost, judging and memory need."""

from typing import Any

import msgspec

from suffice.wire.request import FunctionCall, ToolCall


class PromptDetails(msgspec.Struct):
    """`usage.prompt_tokens_details`."""

    cached_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """`usage`, as OpenAI and vLLM write it."""

    prompt_tokens: int = 0
    completion_tokens: int | None = 0
    prompt_tokens_details: PromptDetails | None = None


class AnswerMessage(msgspec.Struct):
    """A message, or a streamed piece of one."""

    role: str | None = None
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list["ToolCallPiece"] | None = None


class ToolCallPiece(ToolCall):
    """A tool call, or a streamed piece of one."""

    index: int | None = None


class Choice(msgspec.Struct):
    """A choice of either form: chat (`message`, `delta`) or completion (`text`)."""

    index: int = 0
    message: AnswerMessage | None = None
    delta: AnswerMessage | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: Any = None

    @property
    def piece(self) -> AnswerMessage | None:
        """The message or delta."""
        return self.message or self.delta


class WireError(msgspec.Struct):
    """`error` of an answer or an event."""

    message: str = ""
    type: str | None = None
    code: str | int | None = None
    param: str | None = None


class Answer(msgspec.Struct):
    """A whole answer, or one chunk of a stream."""

    model: str | None = None
    choices: list[Choice] = []
    usage: WireUsage | None = None
    error: WireError | str | None = None
    object: str | None = None
    message: str | None = None
    """Older vLLM puts the error's text here, beside `object: "error"`."""


_ANSWER = msgspec.json.Decoder(Answer)


def parse_answer(body: bytes) -> Answer | None:
    """Read an answer or a chunk; None if it is not one."""
    try:
        return _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class Assembly(msgspec.Struct, gc=False):
    """The first choice of a stream, put together chunk by chunk."""

    content: list[str] = []
    calls: dict[int, ToolCall] = {}
    finish_reason: str | None = None
    model: str | None = None
    n_pieces: int = 0
    """Chunks that carried text, thought or arguments: about one token each."""

    @property
    def text(self) -> str:
        """The content so far."""
        return "".join(self.content)

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The calls so far, by index."""
        return [self.calls[index] for index in sorted(self.calls)]

    def add(self, answer: Answer) -> bool:
        """Take a chunk or a whole answer in; returns whether it brought anything of the answer itself."""
        self.model = answer.model or self.model
        brought = False
        for choice in answer.choices:
            brought = _brings(choice) or brought
            if choice.index == 0:
                self._add_choice(choice)
        self.n_pieces += brought
        return brought

    def _add_choice(self, choice: Choice) -> None:
        self.finish_reason = choice.finish_reason or self.finish_reason
        piece = choice.piece
        text = choice.text or (piece.content if piece else None)
        if text:
            self.content.append(text)
        for position, call in enumerate((piece.tool_calls if piece else None) or ()):
            self._add_call(position if call.index is None else call.index, call)

    def _add_call(self, index: int, piece: ToolCall) -> None:
        known = self.calls.setdefault(index, ToolCall())
        known.id = known.id or piece.id
        if piece.function is None:
            return
        known.function = known.function or FunctionCall()
        known.function.name = known.function.name or piece.function.name
        known.function.arguments = (known.function.arguments or "") + (piece.function.arguments or "")


def _brings(choice: Choice) -> bool:
    piece = choice.piece
    if piece is None:
        return bool(choice.text)
    return bool(piece.content or piece.tool_calls or piece.reasoning or piece.reasoning_content or piece.refusal)
