"""Answers and chunks as JSON documents, in OpenAI's and vLLM's dialects."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from suffice.testing.loopback.generation import Generated, number
from suffice.testing.loopback.options import Dialect
from suffice.testing.loopback.question import Question

Document = dict[str, Any]
CREATED = 1_700_000_000
"""Every answer's time: a clock would make two answers to one request differ."""
ARGUMENT_PIECE = 7
"""Characters of a tool call's arguments in one chunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One streamed piece."""

    choice: Document
    n_tokens: int
    """Tokens this piece brings."""


class Writer:
    """Writes the answer to one request."""

    def __init__(self, question: Question, answers: Sequence[Generated], *, dialect: Dialect, echo: bool) -> None:
        self._question = question
        self._answers = answers
        self._openai = dialect is Dialect.OPENAI
        self._echo = echo

    def whole(self) -> Document:
        """The plain answer."""
        choices = [self._whole_choice(answer) for answer in self._answers]
        return {**self._frame(streamed=False), "choices": choices, "usage": self.usage(), **self._tail()}

    def usage(self, n_completion_tokens: int | None = None) -> Document:
        """`usage`; counts the whole answer unless told how far it is."""
        n = sum(answer.n_tokens for answer in self._answers) if n_completion_tokens is None else n_completion_tokens
        n_prompt = self._question.n_prompt_tokens
        usage: Document = {"prompt_tokens": n_prompt, "completion_tokens": n, "total_tokens": n_prompt + n}
        usage["prompt_tokens_details"] = {"cached_tokens": self._question.n_cached_tokens}
        if self._openai:
            n_thoughts = sum(len(answer.thoughts) for answer in self._answers)
            usage["completion_tokens_details"] = {"reasoning_tokens": n_thoughts}
        return usage

    def chunks(self, *, inline_usage: bool = False, no_usage: bool = False) -> Iterator[Document]:
        """The stream's documents, usage chunk included where it was asked for."""
        options = self._question.stream_options
        asked = bool(options.get("include_usage")) and not no_usage
        continuous = asked and bool(options.get("continuous_usage_stats"))
        pieces = list(self._interleaved())
        n_tokens = 0
        for position, piece in enumerate(pieces):
            n_tokens += piece.n_tokens
            document = {**self._frame(streamed=True), "choices": [piece.choice]}
            if asked and inline_usage and position == len(pieces) - 1:
                document["usage"] = self.usage()
            elif continuous:
                document["usage"] = self.usage(n_tokens)
            elif asked and self._openai:
                document["usage"] = None
            yield {**document, **self._echo_first(position)}
        if asked and not inline_usage:
            yield {**self._frame(streamed=True), "choices": [], "usage": self.usage()}

    def _interleaved(self) -> Iterator[Chunk]:
        """The pieces of all choices, as servers send them: in turn."""
        write = self._chat_pieces if self._question.chat else self._completion_pieces
        for row in zip_longest(*(write(answer) for answer in self._answers)):
            yield from (piece for piece in row if piece is not None)

    def _frame(self, *, streamed: bool) -> Document:
        chat = self._question.chat
        kind = ("chat.completion.chunk" if streamed else "chat.completion") if chat else "text_completion"
        prefix = "chatcmpl" if chat else "cmpl"
        frame: Document = {
            "id": f"{prefix}-{number(self._question, 'id'):08x}",
            "object": kind,
            "created": CREATED,
            "model": self._question.model,
        }
        if self._openai:
            frame |= {"service_tier": "default", "system_fingerprint": "fp_loopback"}
        return frame

    def _tail(self) -> Document:
        tail: Document = {} if self._openai else {"prompt_logprobs": None, "kv_transfer_params": None}
        return {**tail, **self._echo_first(0)}

    def _echo_first(self, position: int) -> Document:
        if not self._echo or position:
            return {}
        # A gateway may add to `stream_options` and change `model`; all the rest must arrive as it was sent.
        received = {
            name: hashlib.sha256(value).hexdigest()
            for name, value in self._question.raw.items()
            if name not in {"model", "stream_options"}
        }
        return {"loopback": {"received": received}}

    def _whole_choice(self, answer: Generated) -> Document:
        shared = {"finish_reason": answer.finish_reason, **self._stop_reason(answer)}
        logprobs = self._logprobs(answer, 0, len(answer.pieces))
        if not self._question.chat:
            return {"index": answer.index, "text": answer.text, "logprobs": logprobs, **shared}
        message: Document = {"role": "assistant", "content": None if answer.calls else answer.text}
        if self._openai:
            message |= {"refusal": None, "annotations": []}
        if answer.thoughts:
            message |= _reasoning("".join(answer.thoughts))
        if answer.calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in answer.calls
            ]
        return {"index": answer.index, "message": message, "logprobs": logprobs, **shared}

    def _chat_pieces(self, answer: Generated) -> Iterator[Chunk]:
        yield self._delta(answer, {"role": "assistant", "content": "", **({"refusal": None} if self._openai else {})})
        for thought in answer.thoughts:
            yield self._delta(answer, _reasoning(thought), n_tokens=1)
        for position, piece in enumerate(answer.pieces):
            logprobs = self._logprobs(answer, position, position + 1)
            yield self._delta(answer, {"content": piece}, n_tokens=1, logprobs=logprobs)
        for index, call in enumerate(answer.calls):
            opening = {"index": index, "id": call.id, "type": "function"}
            named = {**opening, "function": {"name": call.name, "arguments": ""}}
            yield self._delta(answer, {"tool_calls": [named]}, n_tokens=2 + len(call.arguments) // 8)
            for start in range(0, len(call.arguments), ARGUMENT_PIECE):
                piece = {"index": index, "function": {"arguments": call.arguments[start : start + ARGUMENT_PIECE]}}
                yield self._delta(answer, {"tool_calls": [piece]})
        yield self._delta(answer, {}, last=True)

    def _delta(
        self, answer: Generated, delta: Document, *, n_tokens: int = 0, logprobs: Any = None, last: bool = False
    ) -> Chunk:
        choice: Document = {"index": answer.index, "delta": delta, "logprobs": logprobs}
        choice["finish_reason"] = answer.finish_reason if last else None
        return Chunk(choice={**choice, **(self._stop_reason(answer) if last else {})}, n_tokens=n_tokens)

    def _completion_pieces(self, answer: Generated) -> Iterator[Chunk]:
        for position, piece in enumerate(answer.pieces):
            logprobs = self._logprobs(answer, position, position + 1)
            choice = {"index": answer.index, "text": piece, "logprobs": logprobs, "finish_reason": None}
            yield Chunk(choice=choice, n_tokens=1)
        last = {"index": answer.index, "text": "", "logprobs": None, "finish_reason": answer.finish_reason}
        yield Chunk(choice={**last, **self._stop_reason(answer)}, n_tokens=0)

    def _stop_reason(self, answer: Generated) -> Document:
        return {} if self._openai else {"stop_reason": answer.stop_reason}

    def _logprobs(self, answer: Generated, start: int, end: int) -> Document | None:
        fields = self._question.fields
        if not fields.get("logprobs"):
            return None
        tokens = [self._token(answer, position) for position in range(start, end)]
        if self._question.chat:
            n_top: int = fields.get("top_logprobs") or 0
            content = [{**token, "top_logprobs": _alternatives(token, n_top)} for token in tokens]
            return {"content": content, **({"refusal": None} if self._openai else {})}
        tops = [
            {item["token"]: item["logprob"] for item in _alternatives(token, fields["logprobs"])} for token in tokens
        ]
        offsets = [len("".join(answer.pieces[:position])) for position in range(start, end)]
        return {
            "tokens": [token["token"] for token in tokens],
            "token_logprobs": [token["logprob"] for token in tokens],
            "top_logprobs": tops,
            "text_offset": offsets,
        }

    def _token(self, answer: Generated, position: int) -> Document:
        text = answer.pieces[position]
        logprob = -(number(self._question, answer.index, "logprob", position) % 4000) / 1000
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def _reasoning(text: str) -> Document:
    """Under both names: servers before and after vLLM's renaming differ, and some send both."""
    return {"reasoning": text, "reasoning_content": text}


def _alternatives(token: Mapping[str, Any], n: int) -> list[Document]:
    """The token itself and made-up others, less and less likely."""
    texts = [str(token["token"]) + "~" * rank for rank in range(n)]
    return [
        {"token": text, "logprob": token["logprob"] - rank, "bytes": list(text.encode())}
        for rank, text in enumerate(texts)
    ]
