"""A streamed answer: held back until its first content, then passed on as it comes.

`hold_stream` returning an accepted answer is the one point of commitment: before it another tier may take over,
after it not a byte of another answer reaches the client.
"""

from collections.abc import AsyncIterator, Callable, Iterable

import msgspec

from suffice.errors import UpstreamBrokenError, UpstreamError
from suffice.judging.validators import Candidate
from suffice.pipeline.attempting import ACCEPTED, Held, Running
from suffice.upstream.call import Exchange
from suffice.wire.answer import Answer, WireUsage, parse_answer
from suffice.wire.edit import with_key, without_key
from suffice.wire.errors import error_text
from suffice.wire.sse import Event, Splitter, write_event

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])

Settle = Callable[[], dict[str, object]]
"""Books the finished attempt and gives the usage chunk's `suffice` object."""


class _Relay:
    """Reads an upstream's events, takes note of them, and makes of each what the client gets."""

    def __init__(self, running: Running, exchange: Exchange, settle: Settle) -> None:
        if exchange.chunks is None:
            raise UpstreamBrokenError(f"{exchange.replica} answered a streamed request without a stream")
        self._running = running
        self._replica = exchange.replica
        self._chunks = exchange.chunks
        self._settle = settle
        self._splitter = Splitter()
        self._asked = running.arrival.request.include_usage
        self._last: bytes = b"{}"
        self._usage_chunk: bytes | None = None

    async def batches(self) -> AsyncIterator[tuple[bytes, bool]]:
        """What the client gets, per chunk from the upstream, and whether it has content of the answer.

        Raises:
            UpstreamError: The stream broke, or told of an error.
        """
        async for chunk in self._until_whole():
            has_content = False
            passed: list[bytes] = []
            for event in self._splitter.feed(chunk):
                made, brought = self._take(event)
                passed.append(made)
                has_content = has_content or brought
            yield b"".join(passed), has_content
        if not self._running.is_whole:
            if self._splitter.pending.strip() or self._running.assembly.finish_reason is None:
                raise UpstreamBrokenError(f"{self._replica} ended its stream in the middle of the answer")
            yield self._finish(b""), False

    async def _until_whole(self) -> AsyncIterator[bytes]:
        """The upstream's chunks; what goes wrong after the end mark is no business of the client's."""
        try:
            async for chunk in self._chunks:
                yield chunk
        except UpstreamError:
            if not self._running.is_whole:
                raise

    def _take(self, event: Event) -> tuple[bytes, bool]:
        if not event.data or self._running.is_whole:
            return event.raw, False
        if event.is_done:
            return self._finish(event.raw), False
        answer = parse_answer(event.data)
        if answer is None:
            raise UpstreamBrokenError(f"{self._replica} sent an event that is no chunk: {event.data[:200]!r}")
        if event.name == b"error" or answer.error is not None:
            raise UpstreamBrokenError(f"{self._replica} reported an error in its stream: {error_text(answer)}")
        brought = self._running.assembly.add(answer)
        if brought and self._running.attempt.first_token_s is None:
            self._running.attempt.first_token_s = self._running.elapsed_s
        self._last = event.data
        return self._without_usage(event, answer), brought

    def _without_usage(self, event: Event, answer: Answer) -> bytes:
        """The event, less the usage that the gateway asked for itself; the final usage is kept for the end."""
        self._running.usage = answer.usage or self._running.usage
        if answer.usage is not None and not answer.choices:
            before, self._usage_chunk = self._usage_chunk, event.data
            return self._release(before) if before is not None else b""
        if self._asked and answer.usage is not None and self._running.assembly.finish_reason is not None:
            self._usage_chunk = event.data
            return b""
        if self._asked or b'"usage"' not in event.data:
            return event.raw
        return event.raw.replace(event.data, without_key(event.data, "usage"))

    def _release(self, kept: bytes) -> bytes:
        """The last choice's chunk, whose usage is told again in a chunk of its own: here once, unless asked twice."""
        if not self._running.arrival.request.continuous_usage:
            kept = without_key(kept, "usage")
        return write_event(kept)

    def _finish(self, done: bytes) -> bytes:
        """The end of the stream: the one usage chunk, if it was asked for, then the end mark as it came."""
        self._running.is_whole = True
        truth = self._settle()
        if not self._asked:
            return done
        chunk = self._usage_chunk or _usage_chunk(self._last, self._running)
        return write_event(with_key(chunk, "suffice", truth)) + done


async def hold_stream(running: Running, exchange: Exchange, settle: Settle) -> Held:
    """Read a stream up to its first content, or to its end if it has none, and judge it.

    Raises:
        UpstreamError: It broke before that.
    """
    relay = _Relay(running, exchange, settle)
    batches = relay.batches()
    held: list[bytes] = []
    verdict = None
    async for batch, has_content in batches:
        held.append(batch)
        if has_content:
            verdict = ACCEPTED
            break
    if verdict is None:
        candidate = Candidate(text="", finish_reason=running.assembly.finish_reason)
        verdict = running.judge([candidate])
    return Held(
        verdict=verdict,
        status=exchange.status,
        content_type=exchange.content_type,
        chunks=_join(held, batches),
    )


async def _join(held: Iterable[bytes], batches: AsyncIterator[tuple[bytes, bool]]) -> AsyncIterator[bytes]:
    if opening := b"".join(held):
        yield opening
    async for batch, _ in batches:
        if batch:
            yield batch


def _usage_chunk(last: bytes, running: Running) -> bytes:
    """A usage chunk for an upstream that sent none, made from its last chunk."""
    fields = _FIELDS.decode(last)
    usage = running.usage or WireUsage(
        prompt_tokens=running.route.features.n_prompt_tokens, completion_tokens=running.assembly.n_pieces
    )
    counts = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens or 0,
        "total_tokens": usage.prompt_tokens + (usage.completion_tokens or 0),
    }
    head = {name: fields[name] for name in ("id", "object", "created", "model") if name in fields}
    return msgspec.json.encode({**head, "choices": [], "usage": counts})
