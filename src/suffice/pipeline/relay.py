"""A streamed answer on its way: what the client gets of each piece, and what is noted of it.

Most pieces of a stream pass as they came. They are looked at in bytes alone, and read together, later, where that
delays nobody; only what tells of the end, of usage or of an error is taken apart at once.
"""

from collections.abc import Callable

import msgspec

from suffice.errors import UpstreamBrokenError, UpstreamError
from suffice.pipeline.attempting import Running
from suffice.pipeline.ports import Sink
from suffice.upstream.call import Exchange, PumpedStream
from suffice.wire.answer import Answer, WireUsage, parse_answer
from suffice.wire.chunks import holds_whole_chunks, last_chunk, mentions_usage, tells_usage, without_null_usage
from suffice.wire.edit import with_key, without_key
from suffice.wire.errors import error_text
from suffice.wire.sse import Event, Splitter, write_event

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])

Settle = Callable[[], dict[str, object]]
"""Books the finished attempt and gives the usage chunk's `suffice` object."""


class Relay:
    """Reads an upstream's events, takes note of them, and makes of each what the client gets."""

    def __init__(self, running: Running, exchange: Exchange, settle: Settle) -> None:
        """Take an open stream.

        Raises:
            UpstreamBrokenError: The exchange has none.
        """
        if exchange.chunks is None:
            raise UpstreamBrokenError(f"{exchange.replica} answered a streamed request without a stream")
        self._running = running
        self._replica = exchange.replica
        self._chunks = exchange.chunks
        self._settle = settle
        self._splitter = Splitter()
        self._asked = running.arrival.request.include_usage
        self._held: list[bytes] = []
        self._parted: list[bytes] = []
        self._last: bytes = b"{}"
        self._usage_chunk: bytes | None = None

    async def hold(self) -> bool:
        """Read up to the first content of the answer, and keep it back; returns whether there was any.

        Raises:
            UpstreamError: The stream broke, or told of an error.
        """
        async for piece in self._chunks:
            passed, has_content = self._part(piece)
            self._held.append(passed)
            if has_content:
                return True
        self._held.append(self._close())
        return False

    async def pump(self, sink: Sink) -> None:
        """Give the sink what was held back, and then all else as it comes.

        Raises:
            UpstreamError: The stream broke, or told of an error.
        """
        held, self._held = b"".join(self._held), []
        if held and not sink.write(held):
            await sink.drain()
        try:
            await self._pump(sink)
        except UpstreamError as error:
            # What goes wrong after the end mark is no business of the client's.
            if self._running.is_whole:
                return
            if isinstance(error, UpstreamBrokenError):
                # What came before the break, in the same piece, is good.
                sink.write(b"".join(self._parted))
            raise

    async def _pump(self, sink: Sink) -> None:
        if isinstance(self._chunks, PumpedStream):
            await self._chunks.pump(lambda piece: sink.write(self._pass(piece)), sink.drain)
        else:
            async for piece in self._chunks:
                if not sink.write(self._pass(piece)):
                    await sink.drain()
        sink.write(self._close())

    def _pass(self, piece: bytes) -> bytes:
        """What the client gets of a piece, once the answer is committed to."""
        if self._splitter.pending or self._running.is_whole or not holds_whole_chunks(piece):
            return self._part(piece)[0]
        passed = piece if self._asked else without_null_usage(piece)
        if tells_usage(passed) if self._asked else mentions_usage(passed):
            return self._part(piece)[0]
        self._running.put_off(piece)
        return passed

    def _part(self, piece: bytes) -> tuple[bytes, bool]:
        """The same, event by event; and whether there is content of the answer in it."""
        if unread := self._running.catch_up():
            self._last = last_chunk(unread)
        has_content = False
        parted = self._parted
        for event in self._splitter.feed(piece):
            made, brought = self._take(event)
            parted.append(made)
            has_content = has_content or brought
        passed = b"".join(parted)
        parted.clear()
        return passed, has_content

    def _take(self, event: Event) -> tuple[bytes, bool]:
        running = self._running
        if not event.data or running.is_whole:
            return event.raw, False
        if event.is_done:
            return self._finish(event.raw), False
        answer = parse_answer(event.data)
        if answer is None or running.is_garbled:
            raise UpstreamBrokenError(f"{self._replica} sent an event that is no chunk: {event.data[:200]!r}")
        if event.name == b"error" or answer.error is not None:
            raise UpstreamBrokenError(f"{self._replica} reported an error in its stream: {error_text(answer)}")
        brought = running.assembly.add(answer)
        if brought and running.attempt.first_token_s is None:
            running.attempt.first_token_s = running.elapsed_s
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

    def _close(self) -> bytes:
        """What the client gets when the upstream's stream has ended; nothing more after its end mark."""
        running = self._running
        if running.is_whole:
            return b""
        if unread := running.catch_up():
            self._last = last_chunk(unread)
        if running.is_garbled:
            raise UpstreamBrokenError(f"{self._replica} sent an event that is no chunk")
        if self._splitter.pending.strip() or running.assembly.finish_reason is None:
            raise UpstreamBrokenError(f"{self._replica} ended its stream in the middle of the answer")
        return self._finish(b"")

    def _finish(self, done: bytes) -> bytes:
        """The end of the stream: the one usage chunk, if it was asked for, then the end mark as it came."""
        running = self._running
        if running.is_garbled:
            raise UpstreamBrokenError(f"{self._replica} sent an event that is no chunk")
        running.is_whole = True
        truth = self._settle()
        if not self._asked:
            return done
        chunk = self._usage_chunk or _usage_chunk(self._last, running)
        return write_event(with_key(chunk, "suffice", truth)) + done


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
