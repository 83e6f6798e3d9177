"""A tape: real answers of real models, recorded token by token, found again by the conversation they answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from suffice.errors import TapeError
from suffice.vocabulary import Token

MODELS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "smollm2-135m")
"""The recorded models, as `tape.model` names them."""

Conversation = tuple[tuple[str, str], ...]
"""Role and text of each message: what a recording is found by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One model's answer to one prompt."""

    prompt_id: str
    text: str
    finish_reason: str
    """`stop`, or `length` where the recording was cut at the prompt's limit."""
    prompt_tokens: int
    completion_tokens: int
    """Counts the end token, which is not among `tokens`."""
    ttft_s: float
    """From the request to the first token, as recorded."""
    duration_s: float
    """From the request to the end, as recorded."""
    score: float
    """1.0 where the answer is right, else 0.0."""
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """All answers of one model."""

    model: str
    """As `tape.model` names it."""
    recorded_model: str
    """The model's full name in the recordings."""
    recordings: Mapping[str, Recording]
    """By prompt id."""
    by_conversation: Mapping[Conversation, Recording]
    mean_duration_s: float

    def plays(self, model: str) -> bool:
        """Whether `model` names this tape's model."""
        return model in (self.model, self.recorded_model)

    def find(self, messages: Sequence[Mapping[str, Any]]) -> Recording | None:
        """The answer to these messages; None where nothing was recorded."""
        conversation = read_conversation(messages)
        return None if conversation is None else self.by_conversation.get(conversation)


def read_conversation(messages: Sequence[Mapping[str, Any]]) -> Conversation | None:
    """The messages in canonical form: content in text parts equals the joined string, null fields are absent.

    Returns:
        None for messages with anything beyond a role and text (a name, tool calls, images): the tape holds none.
    """
    turns: list[tuple[str, str]] = []
    for message in messages:
        role, text = message.get("role"), _read_text(message.get("content"))
        extra = any(value is not None for key, value in message.items() if key not in {"role", "content"})
        if not isinstance(role, str) or text is None or extra:
            return None
        turns.append((role, text))
    return tuple(turns)


def read_tape_file(name: str) -> bytes:
    """The bytes of one file of the shipped tape, such as `prompts.jsonl`.

    Raises:
        TapeError: There is no such file; the installation is incomplete.
    """
    try:
        return files("suffice.upstream").joinpath("tapes", "desk", name).read_bytes()
    except OSError as error:
        raise TapeError(f"the tape's file {name!r} is missing; install suffice again") from error


@cache
def load_tape(model: str) -> Tape:
    """Read a model's recordings, once per process (about 30 ms).

    Raises:
        TapeError: No such model was recorded.
    """
    if model not in MODELS:
        raise TapeError(f"no tape of model {model!r}; recorded are {', '.join(MODELS)}")
    conversations = {
        prompt.id: read_conversation(prompt.messages)
        for prompt in _PROMPTS.decode_lines(read_tape_file("prompts.jsonl"))
    }
    lines = _RECORDINGS.decode_lines(read_tape_file(f"{model}.jsonl"))
    recordings = {line.id: _read_recording(line) for line in lines}
    return Tape(
        model=model,
        recorded_model=lines[0].model,
        recordings=recordings,
        by_conversation={
            conversation: recordings[prompt_id]
            for prompt_id, conversation in conversations.items()
            if conversation is not None and prompt_id in recordings
        },
        mean_duration_s=sum(line.duration_s for line in lines) / len(lines),
    )


class _PromptLine(msgspec.Struct):
    id: str
    messages: list[dict[str, Any]]


class _RecordingLine(msgspec.Struct):
    id: str
    model: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    ttft_s: float
    duration_s: float
    score: float
    tokens: list[tuple[str, float, float | None]]


_PROMPTS = msgspec.json.Decoder(_PromptLine)
_RECORDINGS = msgspec.json.Decoder(_RecordingLine)


def _read_recording(line: _RecordingLine) -> Recording:
    return Recording(
        prompt_id=line.id,
        text=line.text,
        finish_reason=line.finish_reason,
        prompt_tokens=line.prompt_tokens,
        completion_tokens=line.completion_tokens,
        ttft_s=line.ttft_s,
        duration_s=line.duration_s,
        score=line.score,
        tokens=tuple(Token(text=text, logprob=best, second_logprob=second) for text, best, second in line.tokens),
    )


def _read_text(content: object) -> str | None:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    try:
        parts = msgspec.convert(content, list[_TextPart])
    except msgspec.ValidationError:
        return None
    return "\n".join(part.text for part in parts)


class _TextPart(msgspec.Struct, tag_field="type", tag="text"):
    text: str
