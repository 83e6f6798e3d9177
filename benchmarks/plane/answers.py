"""The answers of the loopback upstream, made once: a plain one, and streams with and without a usage chunk."""

import json
from collections.abc import Sequence

N_DELTAS = 20
USAGE = {"prompt_tokens": 231, "total_tokens": 251, "completion_tokens": N_DELTAS, "prompt_tokens_details": None}

_HEAD = {"id": "chatcmpl-0f3a9d5c7b1e4a62", "created": 1764201600, "model": "small-model"}
_SENTENCE = (
    "The median is the middle value of a sorted list, so a few very large values at its end move it far less than "
    "they move the mean, which is why latencies are told by it."
)


def plain_answer() -> bytes:
    """A whole chat completion of about 550 bytes, written as vLLM writes it."""
    message: dict[str, object] = {"role": "assistant", "content": _SENTENCE, "refusal": None, "tool_calls": []}
    choice: dict[str, object] = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": "stop",
        "stop_reason": None,
    }
    return _encode({**_HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE, "prompt_logprobs": None})


def streamed_answer(*, with_usage: bool) -> Sequence[bytes]:
    """The events of a stream: twenty deltas, of which the last has the finish reason, a usage chunk, the end mark."""
    words = _SENTENCE.split(" ")
    pieces = [" ".join(words[start::N_DELTAS]) + " " for start in range(N_DELTAS)]
    chunks = [_chunk(piece, "stop" if place == N_DELTAS - 1 else None) for place, piece in enumerate(pieces)]
    if with_usage:
        chunks.append({**_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": USAGE})
    return [*(b"data: %s\n\n" % _encode(chunk) for chunk in chunks), b"data: [DONE]\n\n"]


def _chunk(content: str, finish_reason: str | None) -> dict[str, object]:
    choice = {"index": 0, "delta": {"content": content}, "logprobs": None, "finish_reason": finish_reason}
    return {**_HEAD, "object": "chat.completion.chunk", "choices": [choice]}


def _encode(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
