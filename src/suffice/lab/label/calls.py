"""One call of one model: a conversation in, an answer with its tokens and cost out, or why there is none."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from suffice.errors import UpstreamError
from suffice.lab.dataset.sources.exchange import read_response
from suffice.pipeline.ports import Upstream
from suffice.upstream.call import Call
from suffice.upstream.pricing import cost
from suffice.vocabulary import Price, Token, Usage
from suffice.wire.answer import Answer as WireAnswer
from suffice.wire.answer import parse_answer
from suffice.wire.errors import error_text

Messages = Sequence[Mapping[str, Any]]

DEADLINE_S = 900.0
"""Of one call, all its tries on all replicas together; the tries have shorter ones."""

_PATH = "/chat/completions"
_HEADERS = {"content-type": "application/json"}
_EXCERPT = 300
_OBJECT = msgspec.json.Decoder(dict[str, Any])


class CallError(Exception):
    """A call brought no answer; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A model that is called."""

    name: str
    """Of the tier, or of the judge."""
    model: str
    """As the upstream knows it."""
    upstream: Upstream
    price: Price | None
    """None: nobody knows it, and costs are not counted."""
    n_top_logprobs: int | None = None
    """Alternatives to ask for with each token's logprob; None: no logprobs are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How models are asked."""

    max_tokens: int | None = None
    """Of an answer; None: as many as the model likes."""
    temperature: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    text: str
    """Empty where the model said nothing."""
    finish_reason: str | None = None
    logprobs: tuple[Token, ...] | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    """None: the price or the tokens are not known."""


async def ask(target: Target, messages: Messages, asking: Asking) -> Answer:
    """Ask once; the upstream's own retries are its business.

    Raises:
        CallError: No answer came, or none in OpenAI's form.
    """
    call = Call(path=_PATH, body=_encode(target, messages, asking), stream=False, headers=_HEADERS)
    try:
        async with asyncio.timeout(DEADLINE_S), target.upstream.open(call) as exchange:
            status, body = exchange.status, exchange.body or b""
    except UpstreamError as error:
        raise CallError(f"{error.code}: {str(error)[:_EXCERPT]}") from error
    except TimeoutError as error:
        raise CallError(f"upstream_timeout: no answer within {DEADLINE_S:g} s") from error
    parsed = parse_answer(body)
    if status != 200 or parsed is None or not parsed.choices:
        said = error_text(parsed) or body[:_EXCERPT].decode("utf-8", "replace")
        raise CallError(f"answered {status} without an answer: {said[:_EXCERPT]}")
    try:
        return _read(target, parsed, _OBJECT.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # What the typed view passes over may be broken all the same.
        raise CallError(f"answered {status} with what is no JSON: {error}") from error


def _encode(target: Target, messages: Messages, asking: Asking) -> bytes:
    body: dict[str, Any] = {"model": target.model, "messages": messages, "temperature": asking.temperature}
    if asking.max_tokens is not None:
        body["max_tokens"] = asking.max_tokens
    if target.n_top_logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": target.n_top_logprobs}
    return msgspec.json.encode(body)


def _read(target: Target, parsed: WireAnswer, document: Mapping[str, Any]) -> Answer:
    fields = read_response(document)
    prompt_tokens, completion_tokens = fields.get("prompt_tokens"), fields.get("completion_tokens")
    spent: float | None = None
    if target.price is not None and prompt_tokens is not None and completion_tokens is not None:
        details = parsed.usage.prompt_tokens_details if parsed.usage is not None else None
        cached = (details.cached_tokens or 0) if details is not None else 0
        usage = Usage(prompt_tokens=prompt_tokens, cached_tokens=cached, completion_tokens=completion_tokens)
        spent = cost(target.price, usage)
    return Answer(
        text=fields.get("response") or "",
        finish_reason=parsed.choices[0].finish_reason,
        logprobs=_read_logprobs(fields.get("logprobs")),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost_usd=spent,
    )


def _read_logprobs(value: object) -> tuple[Token, ...] | None:
    """Tokens; None where the server sent none, or some in a form of its own."""
    if value is None:
        return None
    try:
        return msgspec.convert(value, tuple[Token, ...])
    except msgspec.ValidationError:
        return None
