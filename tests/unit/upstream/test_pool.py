import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from suffice.errors import UpstreamBusyError, UpstreamError, UpstreamTimeoutError
from suffice.upstream.call import Call, Exchange, FailedTry
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.pool import BENCH_S, MAX_BACKOFF_S, MAX_BENCH_S, Pool
from suffice.upstream.replica import Replica

CONFIG = UpstreamConfig(retries=2, backoff_s=0.1)
NO_SESSION = cast("Any", None)


@dataclass
class FakeTime:
    """A clock that moves only when somebody sleeps, or is told to."""

    now: float = 100.0
    naps: list[float] = field(default_factory=list[float])

    def clock(self) -> float:
        return self.now

    async def sleep(self, delay_s: float) -> None:
        self.naps.append(delay_s)
        self.now += delay_s


class FakeReplica(Replica):
    """Fails as often as it is told to, then answers; takes a second for either."""

    def __init__(self, name: str, time: FakeTime, *errors: Callable[[], UpstreamError]) -> None:
        super().__init__(f"fake://{name}", session=NO_SESSION, config=CONFIG, headers={})
        self.time = time
        self.errors = list(errors)
        self.n_calls = 0

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Exchange]:
        self.n_calls += 1
        started_at = self.time.now
        self.time.now += 1.0
        if self.errors:
            make_error = self.errors.pop(0)
            raise make_error()
        self.in_flight += 1
        try:
            yield Exchange(status=200, content_type="application/json", replica=self.base_url, started_at=started_at)
        finally:
            self.in_flight -= 1


def down() -> UpstreamError:
    return UpstreamError("down")


def busy(retry_after_s: float) -> Callable[[], UpstreamError]:
    def fail() -> UpstreamError:
        error = UpstreamBusyError("busy", retry_after_s=retry_after_s)
        error.answered = 429
        return error

    return fail


def unknown_model() -> UpstreamError:
    error = UpstreamError("the model `sql-lora` does not exist")
    error.answered = 404
    return error


def make_pool(
    replicas: Sequence[FakeReplica], time: FakeTime, *, config: UpstreamConfig = CONFIG, draw: float = 0.5
) -> Pool:
    return Pool(replicas, config, draw=lambda: draw, clock=time.clock, sleep=time.sleep)


def call(session: str | None = None) -> Call:
    return Call(path="/chat/completions", body=b"{}", stream=False, session=session)


def ask(pool: Pool, session: str | None = None) -> Exchange:
    async def run() -> Exchange:
        async with pool.open(call(session)) as exchange:
            return exchange

    return asyncio.run(run())


def home_of(pool: Pool, replica: Replica) -> str:
    """A session whose own replica is this one."""
    names = (f"session-{number}" for number in range(1_000))
    return next(name for name in names if ask(pool, name).replica == replica.base_url)


def test_a_replica_that_fails_is_followed_by_another_at_once() -> None:
    time = FakeTime()
    broken, sound = FakeReplica("broken", time, down), FakeReplica("sound", time)
    pool = make_pool([broken, sound], time, draw=0.0)

    exchange = ask(pool)

    assert exchange.replica == "fake://sound"
    assert time.naps == []


def test_failed_tries_are_told_with_their_replica_time_and_status() -> None:
    time = FakeTime()
    pool = make_pool([FakeReplica("a", time, busy(0.0)), FakeReplica("b", time)], time, draw=0.0)

    (failed,) = ask(pool).tries

    assert (failed.replica, failed.started_at, failed.duration_s) == ("fake://a", 100.0, 1.0)
    assert (failed.code, failed.status) == ("upstream_busy", 429)


def test_when_every_try_fails_the_last_error_carries_them_all() -> None:
    time = FakeTime()
    late = [lambda: UpstreamTimeoutError("late")] * 9
    replicas = [FakeReplica("a", time, *late), FakeReplica("b", time, *late)]
    pool = make_pool(replicas, time, draw=0.0)

    with pytest.raises(UpstreamTimeoutError) as caught:
        ask(pool)

    names = [failed.replica for failed in caught.value.tries if isinstance(failed, FailedTry)]
    assert sorted(names[:2]) == ["fake://a", "fake://b"]
    assert len(names) == CONFIG.retries + 1
    assert [replica.failures for replica in replicas] == [2, 1]


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_there_are_as_many_tries_as_configured(retries: int) -> None:
    time = FakeTime()
    replica = FakeReplica("a", time, *[down] * 9)
    pool = make_pool([replica], time, config=UpstreamConfig(retries=retries))

    with pytest.raises(UpstreamError):
        ask(pool)

    assert replica.n_calls == retries + 1
    assert len(time.naps) == retries


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999])
def test_pauses_double_with_full_jitter_up_to_their_limit(draw: float) -> None:
    time = FakeTime()
    config = UpstreamConfig(retries=10, backoff_s=0.1)
    pool = make_pool([FakeReplica("a", time, *[down] * 20)], time, config=config, draw=draw)

    with pytest.raises(UpstreamError):
        ask(pool)

    longest = [0.2, 0.4, 0.8, 1.6, *[MAX_BACKOFF_S] * 6]
    assert time.naps == pytest.approx([draw * limit for limit in longest])


@pytest.mark.parametrize(("asked_s", "waited_s"), [(0.05, 0.1), (1.5, 1.5), (3600.0, MAX_BACKOFF_S)])
def test_a_pause_is_no_shorter_than_the_upstream_asked_within_reason(asked_s: float, waited_s: float) -> None:
    time = FakeTime()
    pool = make_pool([FakeReplica("a", time, busy(asked_s))], time)

    ask(pool)

    assert time.naps == [pytest.approx(waited_s)]


def test_when_all_have_failed_of_late_even_the_first_retry_waits() -> None:
    time = FakeTime()
    replicas = [FakeReplica("a", time, down), FakeReplica("b", time)]
    replicas[1].failures, replicas[1].benched_until = 1, 200.0
    pool = make_pool(replicas, time, draw=0.5)

    ask(pool)

    assert time.naps == [pytest.approx(0.1)]


@pytest.mark.parametrize(("draw", "expected"), [(0.0, "fake://a"), (0.5, "fake://b"), (0.999, "fake://c")])
def test_among_equals_chance_decides(draw: float, expected: str) -> None:
    time = FakeTime()
    pool = make_pool([FakeReplica(name, time) for name in "abc"], time, draw=draw)

    assert ask(pool).replica == expected


def test_the_least_busy_replica_is_asked() -> None:
    time = FakeTime()
    replicas = [FakeReplica(name, time) for name in "abc"]
    for replica, n_running in zip(replicas, (3, 1, 2), strict=True):
        replica.in_flight = n_running

    assert ask(make_pool(replicas, time, draw=0.0)).replica == "fake://b"


def test_calls_that_run_at_once_are_spread() -> None:
    time = FakeTime()
    pool = make_pool([FakeReplica(name, time) for name in "abc"], time, draw=0.0)

    async def run() -> set[str]:
        async with pool.open(call()) as one, pool.open(call()) as two, pool.open(call()) as three:
            return {one.replica, two.replica, three.replica}

    assert asyncio.run(run()) == {"fake://a", "fake://b", "fake://c"}


def test_a_session_stays_on_its_replica() -> None:
    time = FakeTime()
    replicas = [FakeReplica(name, time) for name in "abc"]
    pool = make_pool(replicas, time)

    homes = {session: {ask(pool, session).replica for _ in range(5)} for session in "pqrstuvw"}

    assert all(len(found) == 1 for found in homes.values())
    assert {name for found in homes.values() for name in found} == {"fake://a", "fake://b", "fake://c"}


@pytest.mark.parametrize(("n_running", "stays"), [(4, True), (5, False)])
def test_a_session_leaves_its_replica_when_that_is_much_busier(n_running: int, *, stays: bool) -> None:
    time = FakeTime()
    replicas = [FakeReplica(name, time) for name in "ab"]
    pool = make_pool(replicas, time, draw=0.0)
    session = home_of(pool, replicas[1])

    replicas[1].in_flight = n_running

    assert (ask(pool, session).replica == "fake://b") is stays


def test_a_session_leaves_its_replica_when_that_fails() -> None:
    time = FakeTime()
    replicas = [FakeReplica(name, time) for name in "ab"]
    pool = make_pool(replicas, time, draw=0.0)
    session = home_of(pool, replicas[1])
    replicas[1].errors = [down]

    answered = [ask(pool, session).replica for _ in range(3)]

    assert answered == ["fake://a"] * 3
    assert replicas[1].errors == []


def test_a_replica_that_failed_is_left_out_for_a_while() -> None:
    time = FakeTime()
    failing, sound = FakeReplica("failing", time, down), FakeReplica("sound", time)
    pool = make_pool([failing, sound], time, draw=0.0)

    for _ in range(4):
        ask(pool)

    assert (failing.n_calls, sound.n_calls) == (1, 4)


def test_a_replica_that_does_not_know_one_model_is_well_for_the_others() -> None:
    time = FakeTime()
    replica = FakeReplica("a", time, unknown_model)
    pool = make_pool([replica], time)

    ask(pool)

    assert replica.failures == 0
    assert replica.benched_until <= time.now


def test_a_replica_that_failed_is_tried_again_later_and_comes_back() -> None:
    time = FakeTime()
    failing, sound = FakeReplica("failing", time, down), FakeReplica("sound", time)
    pool = make_pool([failing, sound], time, draw=0.0)
    ask(pool)

    time.now += BENCH_S
    answered = [ask(pool).replica for _ in range(3)]

    assert answered == ["fake://failing"] * 3
    assert failing.failures == 0


def test_one_request_at_a_time_tries_a_replica_again() -> None:
    time = FakeTime()
    failing, sound = FakeReplica("failing", time, down), FakeReplica("sound", time)
    pool = make_pool([failing, sound], time, draw=0.0)
    ask(pool)
    time.now += BENCH_S
    failing.failures = 1
    failing.errors = [down]

    async def run() -> list[str]:
        async with pool.open(call()) as one, pool.open(call()) as two:
            return [one.replica, two.replica]

    assert asyncio.run(run()) == ["fake://sound"] * 2
    assert failing.n_calls == 2


def test_a_replica_that_goes_on_failing_is_left_out_longer_up_to_a_limit() -> None:
    time = FakeTime()
    failing, sound = FakeReplica("failing", time, *[down] * 50), FakeReplica("sound", time)
    pool = make_pool([failing, sound], time, draw=0.0)
    benches: list[float] = []

    for _ in range(8):
        ask(pool)
        failed_at = time.now - 1.0
        benches.append(failing.benched_until - failed_at)
        time.now = failing.benched_until

    assert benches == [5.0, 10.0, 20.0, 40.0, *[MAX_BENCH_S] * 4]


def test_a_call_that_was_answered_is_over_when_its_context_is_left() -> None:
    time = FakeTime()
    replica = FakeReplica("a", time)

    ask(make_pool([replica], time))

    assert replica.in_flight == 0
