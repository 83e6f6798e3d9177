"""In-memory stand-ins for the pipeline's ports: no socket, no clock."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from suffice.errors import SufficeError, UpstreamError
from suffice.upstream.call import Call, Exchange
from suffice.vocabulary import Outcome, Score, Turn

Answer = bytes | Sequence[bytes | UpstreamError] | UpstreamError
"""A whole answer, the pieces of a stream (an error breaks it there), or a failure before the first byte."""


class FakeUpstream:
    """Answers calls in order, the last answer again and again; keeps what it was asked."""

    def __init__(self, *answers: Answer, status: int = 200) -> None:
        self._answers = list(answers)
        self._status = status
        self.calls: list[Call] = []
        self.n_open = 0
        """Calls whose context has not been left."""

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Exchange]:
        """Give the next answer; see `pipeline.ports.Upstream.open`."""
        self.calls.append(call)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, SufficeError):
            raise answer
        exchange = Exchange(status=self._status, content_type="application/json", replica="fake", started_at=0.0)
        if isinstance(answer, bytes):
            exchange.body = answer
        else:
            exchange.content_type = "text/event-stream"
            exchange.chunks = _play(answer)
        self.n_open += 1
        try:
            yield exchange
        finally:
            self.n_open -= 1


async def _play(pieces: Sequence[bytes | UpstreamError]) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, UpstreamError):
            raise piece
        yield piece


class FixedScorer:
    """Gives every turn the same complexity, but for those whose text it was told of."""

    version = "fixed"

    def __init__(self, complexity: float, **by_text: float) -> None:
        self._complexity = complexity
        self._by_text = by_text

    def score(self, turn: Turn) -> Score:
        """Score one turn; see `pipeline.ports.Scorer.score`."""
        return Score(complexity=self._by_text.get(turn.text, self._complexity))


class ListObserver:
    """Keeps every outcome."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def observe(self, outcome: Outcome) -> None:
        """Take note; see `pipeline.ports.Observer.observe`."""
        self.outcomes.append(outcome)
