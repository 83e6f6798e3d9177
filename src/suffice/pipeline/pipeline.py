"""A request's way from arrival to reply: decide, ask a tier, judge, ask the next one up, tell of the outcome."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from suffice.errors import SufficeError, UpstreamError, UpstreamTimeoutError
from suffice.pipeline.arrival import Arrival, Reply
from suffice.pipeline.attempting import Upstreams
from suffice.pipeline.booking import Book
from suffice.pipeline.climb import Climb
from suffice.pipeline.limits import TimeLimits
from suffice.pipeline.ports import Observer
from suffice.pipeline.routing import Route, Router
from suffice.vocabulary import Outcome, Score, Tier, TierName, Turn

Deliver = Callable[[Reply], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """Answers requests; everything it needs is passed in."""

    router: Router
    """Replaced as a whole with each new bundle; a request goes by the one that was there when it came."""
    tiers: Mapping[TierName, Tier]
    upstreams: Upstreams
    observers: Sequence[Observer]
    book: Book
    clock: Callable[[], float]
    """Monotonic, seconds."""
    config_hash: str = ""
    limits: TimeLimits = field(default_factory=TimeLimits)
    scores_slowly: bool = False
    """The scorer takes more than a millisecond: it is called in a thread."""

    async def answer(self, arrival: Arrival, deliver: Deliver) -> None:
        """Answer a request; its outcome is told of at the end, however it ends.

        Args:
            arrival: The request.
            deliver: Gives the client an answer that was committed to.

        Raises:
            RequestError: The client must change the request.
            UpstreamError: No tier could answer, or the stream broke after it was committed to.
        """
        router = self.router
        outcome = self._outcome(arrival, router)
        try:
            route = await self._decide(arrival, router, outcome)
            await self._carry_out(arrival, route, outcome, deliver)
        except SufficeError as error:
            outcome.error = error.code
            outcome.status = outcome.status or int(error.status)
            raise
        finally:
            outcome.duration_s = self.clock() - arrival.started_at
            outcome.always_large_usd = self.book.always_large(outcome)
            for observer in self.observers:
                observer.observe(outcome)

    async def _carry_out(self, arrival: Arrival, route: Route, outcome: Outcome, deliver: Deliver) -> None:
        climb = Climb(
            arrival=arrival,
            route=route,
            outcome=outcome,
            tiers=self.tiers,
            upstreams=self.upstreams,
            book=self.book,
            memory=self.router.memory,
            clock=self.clock,
        )
        failure: UpstreamError | None = None
        blamed: UpstreamError | None = None
        limit_s = route.settings.total_timeout_s
        try:
            with self.limits.within(limit_s):
                held = await climb.run()
                outcome.status = held.status
                outcome.first_byte_s = self.clock() - arrival.started_at
                await deliver(
                    Reply(
                        status=held.status,
                        content_type=held.content_type,
                        outcome=outcome,
                        body=held.body,
                        pieces=held.pieces,
                    )
                )
        except TimeoutError as error:
            failure = UpstreamTimeoutError(f"the request took longer than {limit_s:g} s")
            raise failure from error
        except UpstreamError as error:
            failure = blamed = error
            raise
        except asyncio.CancelledError:
            # A client may hang up at the end mark, before the connection is done: it has had its answer.
            outcome.cancelled = not climb.is_served
            raise
        finally:
            # Of a request that took too long its client may be the cause: no replica is blamed.
            await climb.close(blamed)
            climb.finish(error=failure)

    async def _score_off_loop(self, arrival: Arrival, router: Router) -> Mapping[Turn, Score]:
        """Scores of a scorer that would hold the event loop up."""
        turns = router.unscored(arrival)
        scores = await asyncio.to_thread(lambda: [router.scorer.score(turn) for turn in turns])
        return dict(zip(turns, scores, strict=True))

    def _outcome(self, arrival: Arrival, router: Router) -> Outcome:
        return Outcome(
            request_id=arrival.request_id,
            received_at=arrival.received_at,
            endpoint=arrival.request.endpoint,
            model_asked=arrival.request.model,
            streamed=arrival.request.stream,
            key_id=arrival.key_id,
            scorer=router.scorer.version,
            bundle_id=router.bundle_id,
            config_hash=self.config_hash,
        )

    async def _decide(self, arrival: Arrival, router: Router, outcome: Outcome) -> Route:
        began = self.clock()
        if self.scores_slowly:
            route = router.route(arrival, await self._score_off_loop(arrival, router))
        else:
            route = router.route(arrival)
        outcome.routing_s = self.clock() - began
        outcome.decision = route.decision
        outcome.features = route.features
        outcome.mode = route.mode
        outcome.profile = route.profile
        outcome.session = route.recall.session
        outcome.cache = route.cache
        if route.settings.record_content:
            name = "messages" if "messages" in arrival.request.fields else "prompt"
            outcome.prompt = bytes(arrival.request.fields.get(name, msgspec.Raw(b"null"))).decode()
        return route
