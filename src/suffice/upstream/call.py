"""One upstream call: what goes in, what comes out."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from suffice.vocabulary import Priority

Take = Callable[[bytes], bool]
"""Takes a piece; returns whether more may come at once."""

Drain = Callable[[], Awaitable[None]]
"""Waits until more may come."""


class PumpedStream(AsyncIterator[bytes]):
    """A stream that can also push its pieces on as they come, which spares a switch of tasks for each."""

    async def pump(self, take: Take, drain: Drain) -> None:
        """Give each piece to `take` when it comes, and return at the end; a `take` that is full holds the stream back.

        Raises:
            UpstreamError: It broke, or `take` raised it.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked of a tier."""

    path: str
    """Below the base URL, such as `/chat/completions`."""
    body: bytes
    stream: bool
    """The answer is wanted as events."""
    session: str | None = None
    """Conversation, for the choice of a replica with a warm prefix cache."""
    priority: Priority = Priority.NORMAL
    """Who waits, and who is refused, where there is not room for all."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """The client's headers that upstreams should see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTry:
    """A try on one replica that brought no answer."""

    replica: str
    started_at: float
    """Monotonic clock, seconds."""
    duration_s: float
    code: str
    """Code of the error, as in the error tree."""
    status: int | None = None


@dataclass(slots=True, kw_only=True)
class Exchange:
    """An upstream's answer, open until its context is left."""

    status: int
    content_type: str
    replica: str
    started_at: float
    """When the try that succeeded began; monotonic clock, seconds."""
    body: bytes | None = None
    """The whole answer, where it is no event stream."""
    chunks: AsyncIterator[bytes] | None = None
    """The event stream, its first bytes already there. Raises `UpstreamError` where it breaks."""
    tries: Sequence[FailedTry] = ()
    """The tries that failed before this one."""
    retry_after_s: float | None = None
    is_broken: bool = False
    """Set by who reads it: what came is no answer, so the replica is to blame."""
    end: Callable[[], None] | None = None
    """Ends the call; called once at most, by `close`."""

    def close(self) -> None:
        """End the call at once, whole or not; harmless once it is over."""
        end, self.end = self.end, None
        if end is not None:
            end()
