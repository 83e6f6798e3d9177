"""Recordings as the bytes an OpenAI-compatible server sends."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from suffice.upstream.tape import Recording
from suffice.upstream.tape_request import Playable
from suffice.vocabulary import Token
from suffice.wire.sse import DONE, write_event


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedEvent:
    """A piece of a stream and when it is due."""

    due_s: float
    """From the start of the answer, at the recorded speed."""
    raw: bytes


def render_answer(playable: Playable, *, answer_id: str, created: int) -> bytes:
    """The whole answer as one JSON document."""
    recording, request = playable.recording, playable.request
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": recording.text},
        "logprobs": _logprobs(recording.tokens, playable),
        "finish_reason": recording.finish_reason,
    }
    return msgspec.json.encode(
        {
            "id": answer_id,
            "object": "chat.completion",
            "created": created,
            "model": request.model,
            "choices": [choice],
            "usage": _usage(recording),
        }
    )


def render_events(playable: Playable, *, answer_id: str, created: int) -> Iterator[TimedEvent]:
    """The answer as events: the role, each token, the finish, the usage if asked for, and the end mark.

    Tokens are spread evenly between the recorded first token and end; the end token takes its share of time.
    """
    recording = playable.recording
    n_gaps = max(1, recording.completion_tokens - 1)
    gap_s = max(0.0, recording.duration_s - recording.ttft_s) / n_gaps
    chunk = _Chunks(playable, answer_id=answer_id, created=created)
    yield TimedEvent(due_s=recording.ttft_s, raw=chunk.piece({"role": "assistant", "content": ""}))
    for index, token in enumerate(recording.tokens):
        logprobs = _logprobs((token,), playable)
        yield TimedEvent(due_s=recording.ttft_s + index * gap_s, raw=chunk.piece({"content": token.text}, logprobs))
    finish = chunk.piece({}, finish_reason=recording.finish_reason)
    yield TimedEvent(due_s=recording.duration_s, raw=finish)
    if playable.request.include_usage:
        yield TimedEvent(due_s=recording.duration_s, raw=chunk.usage())
    yield TimedEvent(due_s=recording.duration_s, raw=DONE)


class _Chunks:
    """Writes the chunks of one stream; what they share is encoded once."""

    def __init__(self, playable: Playable, *, answer_id: str, created: int) -> None:
        shared = {
            "id": answer_id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": playable.request.model,
        }
        self._head = msgspec.json.encode(shared)[:-1]
        self._tail = b',"usage":null}' if playable.request.include_usage else b"}"
        self._recording = playable.recording

    def piece(self, delta: dict[str, str], logprobs: Any = None, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
        return write_event(self._head + b',"choices":[' + msgspec.json.encode(choice) + b"]" + self._tail)

    def usage(self) -> bytes:
        usage = msgspec.json.encode(_usage(self._recording))
        return write_event(self._head + b',"choices":[],"usage":' + usage + b"}")


def _usage(recording: Recording) -> dict[str, int]:
    return {
        "prompt_tokens": recording.prompt_tokens,
        "completion_tokens": recording.completion_tokens,
        "total_tokens": recording.prompt_tokens + recording.completion_tokens,
    }


def _logprobs(tokens: tuple[Token, ...], playable: Playable) -> dict[str, Any] | None:
    """OpenAI's chat form; a greedy recording's own token is the most likely one, so it answers `top_logprobs: 1`."""
    if not playable.request.logprobs:
        return None
    content: list[dict[str, Any]] = []
    for token in tokens:
        chosen = {"token": token.text, "logprob": token.logprob, "bytes": list(token.text.encode())}
        top = [dict(chosen)] if playable.request.top_logprobs else []
        content.append({**chosen, "top_logprobs": top})
    return {"content": content, "refusal": None}
