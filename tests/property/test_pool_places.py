"""Whatever comes, leaves, fails, is cancelled or checked: no place is lost or taken twice, no bound is passed."""

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from suffice.errors import UpstreamError
from suffice.upstream.call import Call, Exchange
from suffice.upstream.config import ChecksConfig, EjectionConfig, QueueConfig, RetryBudgetConfig, UpstreamConfig
from suffice.upstream.health import Health
from suffice.upstream.pool import Pool
from suffice.upstream.queue import Queue
from suffice.upstream.replica import Replica
from suffice.vocabulary import HealthState, Priority

MAX_WAITING = 3

Step = tuple[tuple[str, int], int]

actions = st.one_of(
    st.tuples(st.just("come"), st.integers(0, 5)),
    st.tuples(st.sampled_from(["answer", "leave", "cancel"]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["answer", "fail", "leave", "cancel", "break"]), st.integers(0, 9)),
    st.tuples(st.sampled_from(["good check", "bad check"]), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
)
steps = st.lists(st.tuples(actions, st.sampled_from([0, 1, 1, 8])), max_size=60)
"""What happens, and how often the loop turns after it."""


class Server:
    """Answers a call when it is told to."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.calls: list[asyncio.Future[bool]] = []

    async def send(self, call: Call) -> Exchange:
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.calls.append(answered)
        try:
            if not await answered:
                raise UpstreamError("down")
        finally:
            self.calls.remove(answered)
        return Exchange(status=200, content_type="", replica=self.base_url, started_at=0.0, chunks=_stream())

    async def probe(self, path: str, timeout_s: float) -> int:
        raise NotImplementedError


async def _stream():  # type: ignore[no-untyped-def]  # noqa: ANN202 - never read
    yield b""


class Visitor:
    def __init__(self, pool: Pool, number: int) -> None:
        self._pool = pool
        self._call = Call(
            path="", body=b"", stream=True, session=str(number) if number > 2 else None, priority=Priority(number % 3)
        )
        self.may_leave = asyncio.Event()
        self.breaks = False
        self.task = asyncio.create_task(self._visit())

    async def _visit(self) -> None:
        try:
            async with self._pool.open(self._call) as exchange:
                await self.may_leave.wait()
                exchange.is_broken = self.breaks
        except UpstreamError:
            return


class World:
    """A pool and its visitors, its bounds looked at after every step."""

    def __init__(self, n: int, slots: int, *, hedged: bool) -> None:
        self.now = 0.0
        self.servers = [Server(f"r{index}") for index in range(n)]
        config = UpstreamConfig(
            ejection=EjectionConfig(after=1, base_s=5.0),
            checks=ChecksConfig(after=1),
            retries=2,
            retry_budget=RetryBudgetConfig(min_per_s=1.0),
            hedge_after_s=1e-9 if hedged else None,
        )
        self.replicas = [Replica(server, Health(config.ejection, config.checks), slots) for server in self.servers]
        queue = Queue("t", QueueConfig(max_waiting=MAX_WAITING, timeout_s=60.0), clock=self.clock)
        self.pool = Pool(self.replicas, config, queue, draw=lambda: 0.5, clock=self.clock, sleep=self._sleep)
        self.visitors: list[Visitor] = []

    def clock(self) -> float:
        return self.now

    async def _sleep(self, delay_s: float) -> None:
        await asyncio.sleep(0)

    def step(self, action: str, index: int) -> None:
        calls = [call for server in self.servers for call in server.calls if not call.done()]
        visitor = self.visitors[index] if index < len(self.visitors) else None
        if action == "come":
            self.visitors.append(Visitor(self.pool, index))
        elif action in {"answer", "fail"} and index < len(calls):
            calls[index].set_result(action == "answer")
        elif action in {"leave", "break"} and visitor is not None:
            visitor.breaks = action == "break"
            visitor.may_leave.set()
        elif action == "cancel" and visitor is not None:
            visitor.task.cancel()
        elif action.endswith("check") and index < len(self.replicas):
            self.pool.note_check(self.replicas[index], is_good=action == "good check")
        elif action == "wait":
            self.now += index

    def check(self) -> None:
        pool = self.pool
        assert pool.queue.n_waiting <= MAX_WAITING
        assert pool.n_in_flight == sum(replica.in_flight for replica in self.replicas)
        assert all(0 <= replica.in_flight <= replica.slots for replica in self.replicas)
        assert pool.budget.balance(pool.n_calls) >= 0.0
        by_calls = [r for r in self.replicas if not r.is_ready and not r.health.is_by_checks]
        assert len(by_calls) <= max(1, len(self.replicas) // 2) or any(r.health.is_by_checks for r in self.replicas)
        assert all(r.is_ready == (r.health.state is HealthState.HEALTHY) for r in self.replicas)
        # Nobody waits while there is room.
        assert not pool.queue.n_waiting or not any(r.has_room for r in pool.roster.ready)

    async def finish(self) -> None:
        for visitor in self.visitors:
            visitor.may_leave.set()
        for _ in range(400):
            for server in self.servers:
                for call in server.calls:
                    if not call.done():
                        call.set_result(True)
            await asyncio.sleep(0)
        pending = [visitor.task for visitor in self.visitors if not visitor.task.done()]
        for task in pending:
            task.cancel()
        if self.visitors:
            await asyncio.wait([visitor.task for visitor in self.visitors])
        assert all(v.task.cancelled() or v.task.exception() is None for v in self.visitors)
        assert all(not replica.in_flight for replica in self.replicas)
        assert (self.pool.n_in_flight, self.pool.queue.n_waiting) == (0, 0)


async def _play(n: int, slots: int, plan: Sequence[Step], *, hedged: bool) -> None:
    world = World(n, slots, hedged=hedged)
    for (action, index), n_turns in plan:
        world.step(action, index)
        world.check()
        for _ in range(n_turns):
            await asyncio.sleep(0)
            world.check()
    await world.finish()


@settings(deadline=None)
@given(n=st.sampled_from([1, 1, 2, 3, 4]), slots=st.sampled_from([1, 1, 2, 3]), plan=steps, hedged=st.booleans())
def test_no_place_is_lost_and_no_bound_passed_whatever_happens(
    n: int,
    slots: int,
    plan: list[Step],
    *,
    hedged: bool,
) -> None:
    asyncio.run(_play(n, slots, plan, hedged=hedged))


outcomes = st.lists(st.tuples(st.integers(0, 7), st.booleans(), st.floats(0.0, 20.0)), max_size=80)


@given(n=st.integers(1, 8), share=st.floats(0.0, 1.0), plan=outcomes)
def test_failing_calls_never_leave_out_more_than_their_share_nor_the_last_one(
    n: int, share: float, plan: list[tuple[int, bool, float]]
) -> None:
    config = UpstreamConfig(ejection=EjectionConfig(after=1, max_share=share))
    replicas = [Replica(Server(f"r{index}"), Health(config.ejection, config.checks)) for index in range(n)]
    pool = Pool(replicas, config, Queue("t", QueueConfig(), clock=lambda: 0.0), draw=lambda: 0.5, clock=lambda: 0.0)
    now = 0.0
    for index, is_good, passes_s in plan:
        now += passes_s
        replica = replicas[index % n]
        pool.roster.begin_trial(now)
        if is_good:
            pool.roster.note_answer(replica)
        else:
            pool.roster.note_failure(replica, now)

        n_out = n - len(pool.roster.ready)
        assert n_out <= share * n
        assert pool.roster.ready
        assert (pool.roster.next_trial_at < float("inf")) == any(
            each.health.state is HealthState.EJECTED for each in replicas
        )
