"""One request's way up the ladder: tier after tier, until one answers acceptably or none is left."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from suffice.errors import OutpacedError, UpstreamError, UpstreamTimeoutError
from suffice.pipeline.arrival import Arrival
from suffice.pipeline.attempting import Held, Running, Upstreams, make_call
from suffice.pipeline.booking import Book, note_exchange, note_failure
from suffice.pipeline.complete import hold_answer
from suffice.pipeline.memory import Memory
from suffice.pipeline.routing import Route
from suffice.pipeline.stream import hold_stream
from suffice.policy.escalate import UNANSWERED, next_tier
from suffice.upstream.call import Exchange
from suffice.vocabulary import Attempt, Outcome, Role, Tier, TierName, Verdict, VerdictReason
from suffice.wire.answer import Assembly

_FAILED = Verdict(accepted=False, reason=VerdictReason.FAILED)


@dataclass(slots=True, kw_only=True)
class Climb:
    """The attempts of one request."""

    arrival: Arrival
    route: Route
    outcome: Outcome
    tiers: Mapping[TierName, Tier]
    upstreams: Upstreams
    book: Book
    memory: Memory
    clock: Callable[[], float]
    _running: Running | None = None
    _call: AbstractAsyncContextManager[Exchange] | None = None
    _n_rejected: int = field(default=0)
    _is_committed: bool = False

    @property
    def is_served(self) -> bool:
        """An answer was committed to, and came to its end."""
        return self._is_committed and self._running is not None and self._running.is_whole

    async def run(self) -> Held:
        """Ask tier after tier; the answer returned is the one the client gets, and its call ends with `close`.

        Raises:
            UpstreamError: The last tier that could be asked did not answer.
        """
        tier = self.route.decision.tier
        while True:
            running = self._begin(tier)
            held = await self._attempt(running)
            verdict = held.verdict if isinstance(held, Held) else _FAILED
            running.attempt.verdict = verdict
            upper = next_tier(
                verdict, tier, self.route.decision.ladder, self._n_rejected, self.route.settings.escalation
            )
            if upper is None:
                if isinstance(held, UpstreamError):
                    raise held
                self._commit(running)
                return held
            await self.close()
            running.attempt.role = Role.DRAFT
            self._settle(running)
            self._n_rejected += verdict.reason not in UNANSWERED
            tier = upper

    async def close(self, error: UpstreamError | None = None) -> None:
        """End the call that is open, if one is.

        Args:
            error: What broke it: the upstream learns that its replica is to blame.
        """
        call, self._call = self._call, None
        if call is not None:
            await call.__aexit__(None if error is None else type(error), error, None)

    def finish(self, *, error: UpstreamError | None = None) -> None:
        """Book what is still open: an attempt that its client, its upstream or a deadline broke off."""
        running = self._running
        if running is None:
            return
        if error is not None and running.attempt.error is None:
            running.attempt.error = error.code
        self._settle(running)

    async def _attempt(self, running: Running) -> Held | UpstreamError:
        """One attempt; a failure is a value here, because another tier may follow it."""
        exchange = None
        try:
            call = self.upstreams[running.attempt.tier].open(make_call(running))
            exchange = await call.__aenter__()
            self._call = call
            note_exchange(self.outcome, running.attempt, exchange, self.arrival.started_at)
            if exchange.tries:
                self._settle_outpaced()
            if exchange.chunks is None:
                return hold_answer(running, exchange)
            return await hold_stream(running, exchange, lambda: self._truth(running))
        except UpstreamError as error:
            if exchange is not None:
                exchange.is_broken = True
            note_failure(self.outcome, running.attempt, error, self.arrival.started_at)
            self._settle(running)
            return error

    def _settle_outpaced(self) -> None:
        """Book what hedged calls cost that lost: the upstream had their prompt, however soon they were ended."""
        for attempt in self.outcome.attempts:
            if attempt.error == OutpacedError.code and attempt.usage is None:
                self.book.settle(attempt, None, Assembly(), self.route.features, is_whole=False)

    def _begin(self, name: TierName) -> Running:
        ladder = self.route.decision.ladder
        is_named = self.route.model is not None and name == self.route.decision.tier
        attempt = Attempt(
            tier=name,
            model=self.route.model if is_named and self.route.model else self.tiers[name].model,
            started_s=self.clock() - self.arrival.started_at,
        )
        self.outcome.attempts.append(attempt)
        self._running = Running(
            arrival=self.arrival,
            route=self.route,
            outcome=self.outcome,
            attempt=attempt,
            is_last=name == ladder[-1],
            clock=self.clock,
        )
        return self._running

    def _commit(self, running: Running) -> None:
        self._is_committed = True
        if running.is_whole:
            self._settle(running)
            self._remember(running)

    def _truth(self, running: Running) -> dict[str, object]:
        """Book a stream that has ended, and say what is only known then."""
        self._settle(running)
        if self._is_committed:
            self._remember(running)
        decision = self.route.decision
        return {
            "request_id": self.outcome.request_id,
            "tier": running.attempt.tier,
            "reason": decision.reason,
            "complexity": None if decision.complexity is None else round(decision.complexity, 2),
            "escalated": self.outcome.escalated,
            "cost_usd": round(self.outcome.cost_usd, 12),
        }

    def _settle(self, running: Running) -> None:
        attempt = running.attempt
        if attempt.duration_s is not None:
            return
        running.catch_up()
        attempt.duration_s = running.elapsed_s - attempt.started_s
        if self.route.settings.record_content:
            attempt.answer = running.assembly.text
        failed_at_once = attempt.error not in {None, UpstreamTimeoutError.code} and not running.assembly.n_pieces
        if running.is_refused or failed_at_once:
            return  # nothing was generated, as far as anybody can tell
        self.book.settle(attempt, running.usage, running.assembly, self.route.features, is_whole=running.is_whole)

    def _remember(self, running: Running) -> None:
        tier = running.attempt.tier
        if running.attempt.verdict is not None and running.attempt.verdict.reason is VerdictReason.REFUSED:
            return
        escalated = self._was_escalated()
        self.memory.remember(self.route.recall, running.assembly, tier=tier, escalated=escalated)
        if escalated and self.arrival.use_cache:
            self.memory.remember_escalation(self.route.recall.prefixes.whole, to=tier)

    def _was_escalated(self) -> bool:
        """Whether an answer was rejected; a tier that was merely down says nothing about the prompt."""
        return any(
            attempt.role is Role.DRAFT
            and attempt.verdict is not None
            and not attempt.verdict.accepted
            and attempt.verdict.reason is not VerdictReason.FAILED
            for attempt in self.outcome.attempts
        )
