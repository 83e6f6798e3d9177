"""What the pipeline needs of the stages that do not import each other."""

from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from suffice.upstream.call import Call, Exchange
from suffice.vocabulary import Outcome, Score, Turn


class Sink(Protocol):
    """Takes a stream's bytes: the way to the client."""

    def write(self, piece: bytes) -> bool:
        """Take a piece; returns whether more may come at once."""
        ...

    def drain(self) -> Awaitable[None]:
        """Wait until more may come."""
        ...


class Pieces(Protocol):
    """A stream's bytes, for whoever takes them."""

    async def pump(self, sink: Sink) -> None:
        """Give each piece to the sink as it comes, and return at the end.

        Raises:
            UpstreamError: The stream broke: the client is told, and gets no end mark.
        """
        ...


class Upstream(Protocol):
    """Calls one tier; retries on other replicas before the first byte are its own business."""

    def open(self, call: Call) -> AbstractAsyncContextManager[Exchange]:
        """Make the call; leaving the context ends it.

        Entering waits for the first bytes of an event stream, or for the whole of a plain answer. Any status may
        come back; only one that another replica might mend (no connection, 429, 5xx) was retried.

        Raises:
            UpstreamError: No replica answered. Its `tries` tell what failed.
        """
        ...


class Scorer(Protocol):
    """Measures how hard a turn is."""

    @property
    def version(self) -> str:
        """Changes whenever the same turn might get another score; part of cache keys and records."""
        ...

    def score(self, turn: Turn) -> Score:
        """Score one turn; pure, never raises, and its complexity is within [0, 10] for any text."""
        ...


class Explainer(Protocol):
    """Says what moved a score, where that takes longer than the score itself."""

    def explain(self, turn: Turn) -> Mapping[str, float]:
        """What moved a turn's complexity most, the strongest first, with its sign."""
        ...


class Observer(Protocol):
    """Told of every request once, when it is over."""

    def observe(self, outcome: Outcome) -> None:
        """Take note; never blocks and never raises."""
        ...
