"""The replicas of one tier: which is asked, who waits, and what happens when one fails before the first byte."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from types import TracebackType

from suffice.errors import NoReplicaError, UpstreamBusyError, UpstreamError
from suffice.upstream.balance import Ring, choose_of_two, least_loaded
from suffice.upstream.call import Call, Exchange, FailedTry
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.hedging import race
from suffice.upstream.queue import Queue
from suffice.upstream.replica import Replica, describe
from suffice.upstream.retrying import RetryBudget, pause_s
from suffice.upstream.roster import Roster
from suffice.vocabulary import TierState

_BUSY_FACTOR = 2.0
"""What a 429 does to a replica's latency, so that the others are asked rather."""


class Pool:
    """Calls one tier."""

    def __init__(
        self,
        replicas: Sequence[Replica],
        config: UpstreamConfig,
        queue: Queue,
        *,
        draw: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Take the replicas of one tier.

        Args:
            replicas: At least one.
            config: How they are called.
            queue: The tier's, empty.
            draw: Uniform random numbers in [0, 1).
            clock: Monotonic, seconds.
            sleep: Waits between two tries.
        """
        self.config = config
        self.read_clock = clock
        self.hedge_after_s = config.hedge_after_s
        self.roster = Roster(replicas, max_share=config.ejection.max_share)
        self.queue = queue
        queue.give_back = self.give_back
        self.budget = RetryBudget(config.retry_budget, clock)
        self.n_calls = 0
        self.n_in_flight = 0
        self.n_retries = 0
        self.n_hedges = 0
        self._ring = Ring(replicas, config.affinity) if config.affinity.enabled and len(replicas) > 1 else None
        self._draw = draw
        self._sleep = sleep

    def open(self, call: Call) -> "Opening":
        """Make the call on one replica, or another; see `pipeline.ports.Upstream.open`."""
        return Opening(self, call)

    def take(self, call: Call, now: float) -> Replica | None:
        """A place at the replica that suits the call best; None: there is none now."""
        roster = self.roster
        replica = roster.begin_trial(now) if now >= roster.next_trial_at else None
        if replica is None:
            ready = roster.ready
            if self._ring is not None and call.session is not None:
                replica = self._ring.find(call.session, self.n_in_flight)
            if replica is None:
                replica = choose_of_two(ready, self._draw) if ready else None
                if replica is not None and replica.in_flight >= replica.slots:
                    replica = least_loaded(ready)
                if replica is None:
                    return None
        self.hold(replica)
        return replica

    def take_another(self, tried: Sequence[str]) -> Replica | None:
        """A place at a replica that was tried least often for a call; None: there is none now."""
        ready = [replica for replica in self.roster.ready if replica.has_room]
        if not ready:
            return None
        fewest = min(tried.count(replica.base_url) for replica in ready)
        replica = choose_of_two([each for each in ready if tried.count(each.base_url) == fewest], self._draw)
        self.hold(replica)
        return replica

    async def wait(self, call: Call) -> Replica:
        """Wait for a place at any replica.

        Raises:
            TierFullError: There is none in time, or no place in the queue.
            NoReplicaError: No replica is in service.
        """
        if not self.roster.ready:
            raise self._unavailable()
        return await self.queue.wait(call.priority)

    async def ask(self, replica: Replica, call: Call, started_at: float) -> Exchange:
        """Make the call on a replica where a place is held; the place is given back if that fails.

        Raises:
            UpstreamError: It failed; carries this one try.
        """
        self.n_calls += 1
        replica.n_calls += 1
        try:
            exchange = await replica.send(call)
        except UpstreamError as error:
            error.tries = (self.note_failure(replica, started_at, error),)
            self.give_back(replica)
            raise
        except BaseException:
            self.give_up(replica)
            raise
        now = self.read_clock()
        replica.answered_at = now
        if exchange.status == HTTPStatus.OK:
            replica.note_latency(now - started_at)
        if not replica.is_ready and self.roster.note_answer(replica):
            self._serve_waiting()
        return exchange

    async def retry(self, call: Call, error: UpstreamError) -> tuple[Replica, Exchange]:
        """Make a call again that failed, on another replica where there is one.

        Raises:
            UpstreamError: It failed again, as often as is allowed; carries all tries.
        """
        tries = [each for each in error.tries if isinstance(each, FailedTry)]
        while len(tries) <= self.config.retries and self.budget.take(self.n_calls):
            tried = [failed.replica for failed in tries]
            await self._pause(tried, error)
            self.n_retries += 1
            try:
                replica = self.take_another(tried) or await self.wait(call)
                exchange = await self.ask(replica, call, self.read_clock())
            except UpstreamError as another:
                tries += [each for each in another.tries if isinstance(each, FailedTry)]
                error = another
                if not another.tries:
                    break  # nobody was asked: there is no place, or no replica
            else:
                exchange.tries = tries
                return replica, exchange
        error.tries = tuple(tries)
        raise error

    def hold(self, replica: Replica) -> None:
        """Take a place at a replica."""
        replica.in_flight += 1
        self.n_in_flight += 1

    def give_back(self, replica: Replica) -> None:
        """Give a place at a replica back, to who waits for one."""
        replica.in_flight -= 1
        self.n_in_flight -= 1
        if self.queue.n_waiting:
            self.queue.note_drain()
            self._serve_waiting()

    def give_up(self, replica: Replica) -> None:
        """Give a place back whose call was given up before it was answered."""
        self.roster.abandon_trial(replica)
        self.give_back(replica)

    def note_check(self, replica: Replica, *, is_good: bool) -> None:
        """Take note of a health check."""
        if self.roster.note_check(replica, self.read_clock(), is_good=is_good):
            self._serve_waiting()
        self._turn_away_if_none()

    def note_failure(self, replica: Replica, started_at: float, error: UpstreamError) -> FailedTry:
        """Take note that a replica failed."""
        now = self.read_clock()
        if isinstance(error, UpstreamBusyError) or _asks_to_wait(error):
            # It is well, only busy: left out, its load would go to others that are just as busy.
            replica.latency_s = max(replica.latency_s, now - started_at) * _BUSY_FACTOR
            self.roster.abandon_trial(replica)
        elif error.answered == HTTPStatus.NOT_FOUND:
            # A server that does not know a model, such as an adapter it has not loaded, is well for all others.
            self.roster.abandon_trial(replica)
        else:
            self.roster.note_failure(replica, now)
            self._turn_away_if_none()
        return FailedTry(
            replica=replica.base_url,
            started_at=started_at,
            duration_s=now - started_at,
            code=error.code,
            status=error.answered,
        )

    def state(self) -> TierState:
        """How the replicas are, and who waits for them."""
        now = self.read_clock()
        return TierState(
            tier=self.queue.tier,
            replicas=[describe(replica, now) for replica in self.roster.replicas],
            n_waiting=self.queue.n_waiting,
            max_waiting=self.queue.max_waiting,
            n_shed=dict(self.queue.n_shed),
            drain_s=self.queue.drain_s,
            n_retries=self.n_retries,
            n_retries_denied=self.budget.n_denied,
            n_hedges=self.n_hedges,
            retry_tokens=self.budget.balance(self.n_calls),
        )

    def _serve_waiting(self) -> None:
        """Hand places out; once that is done, either nobody waits or no replica in service has room."""
        while self.queue.n_waiting:
            replica = least_loaded(self.roster.ready)
            if replica is None:
                return
            self.hold(replica)
            if not self.queue.hand_over(replica):
                replica.in_flight -= 1
                self.n_in_flight -= 1

    def _turn_away_if_none(self) -> None:
        if self.queue.n_waiting and not self.roster.ready:
            self.queue.turn_away(self._unavailable)

    def _unavailable(self) -> NoReplicaError:
        n = len(self.roster.replicas)
        wait_s = max(1.0, min(self.config.ejection.max_s, self.roster.next_trial_at - self.read_clock()))
        return NoReplicaError(
            f"none of the {n} replicas of tier {self.queue.tier!r} is in service", retry_after_s=wait_s
        )

    async def _pause(self, tried: Sequence[str], error: UpstreamError) -> None:
        untried = (replica for replica in self.roster.ready if replica.base_url not in tried)
        if any(replica.health.n_failures == 0 for replica in untried) and len(tried) == 1:
            return  # one that is well need not be waited for
        await self._sleep(pause_s(self.config, len(tried) - 1, error.retry_after_s or 0.0, self._draw()))


def _asks_to_wait(error: UpstreamError) -> bool:
    return error.answered == HTTPStatus.SERVICE_UNAVAILABLE and error.retry_after_s is not None


class Opening:
    """One call, from the choice of a replica to its end."""

    __slots__ = ("_call", "_exchange", "_holds_place", "_pool", "_replica", "_started_at")

    _exchange: Exchange
    _replica: Replica

    def __init__(self, pool: Pool, call: Call) -> None:
        self._pool = pool
        self._call = call
        self._holds_place = False
        self._started_at = 0.0

    async def __aenter__(self) -> Exchange:
        """Make the call.

        Raises:
            UpstreamError: No replica answered.
        """
        pool, call = self._pool, self._call
        self._started_at = started_at = pool.read_clock()
        replica = pool.take(call, started_at)
        if replica is None:
            replica = await pool.wait(call)
            started_at = pool.read_clock()
        try:
            if pool.hedge_after_s is None:
                exchange = await pool.ask(replica, call, started_at)
            else:
                replica, exchange = await race(pool, replica, call, started_at)
        except UpstreamError as error:
            replica, exchange = await pool.retry(call, error)
        self._replica, self._exchange = replica, exchange
        if exchange.chunks is None:
            pool.give_back(replica)  # the answer is whole: who waits need not wait for its client
        else:
            self._holds_place = True
        return exchange

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the call, whole or not."""
        exchange, pool, replica = self._exchange, self._pool, self._replica
        exchange.close()
        if exchange.is_broken or isinstance(error, UpstreamError):
            failure = error if isinstance(error, UpstreamError) else UpstreamError(f"{replica.base_url} broke off")
            pool.note_failure(replica, self._started_at, failure)
        elif replica.health.is_suspect and kind is None:
            replica.health.note_good_end()
        if self._holds_place:
            self._holds_place = False
            pool.give_back(replica)
