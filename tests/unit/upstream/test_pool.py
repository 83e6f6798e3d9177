import asyncio

import pytest
from fake_replicas import Failure, Fleet, busy, call, down, settle, unknown_model

from suffice.errors import UpstreamBrokenError, UpstreamError, UpstreamTimeoutError
from suffice.upstream.call import FailedTry
from suffice.upstream.config import AffinityConfig, EjectionConfig, RetryBudgetConfig, UpstreamConfig
from suffice.upstream.retrying import MAX_BACKOFF_S
from suffice.vocabulary import HealthState


def late() -> UpstreamError:
    return UpstreamTimeoutError("late")


def test_a_replica_that_fails_is_followed_by_another_at_once() -> None:
    fleet = Fleet("ab", a=[down])

    exchange = fleet.ask()

    assert exchange.replica == "b"
    assert fleet.time.naps == []


def test_failed_tries_are_told_with_their_replica_time_and_status() -> None:
    fleet = Fleet("ab", a=[busy(0.0)])

    (failed,) = fleet.ask().tries

    assert (failed.replica, failed.started_at, failed.duration_s) == ("a", 100.0, 0.125)
    assert (failed.code, failed.status) == ("upstream_busy", 429)


def test_when_every_try_fails_the_last_error_carries_them_all() -> None:
    fleet = Fleet("ab", a=[late] * 9, b=[late] * 9)

    with pytest.raises(UpstreamTimeoutError) as caught:
        fleet.ask()

    names = [failed.replica for failed in caught.value.tries if isinstance(failed, FailedTry)]
    assert sorted(names[:2]) == ["a", "b"]
    assert len(names) == fleet.config.retries + 1
    fleet.assert_at_rest()


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_there_are_as_many_tries_as_configured(retries: int) -> None:
    fleet = Fleet("a", config=UpstreamConfig(retries=retries), a=[down] * 9)

    with pytest.raises(UpstreamError):
        fleet.ask()

    assert fleet.senders["a"].n_calls == retries + 1
    assert len(fleet.time.naps) == retries


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999])
def test_pauses_double_with_full_jitter_up_to_their_limit(draw: float) -> None:
    fleet = Fleet("a", config=UpstreamConfig(retries=10, backoff_s=0.1), draw=lambda: draw, a=[down] * 20)

    with pytest.raises(UpstreamError):
        fleet.ask()

    longest = [0.2, 0.4, 0.8, 1.6, *[MAX_BACKOFF_S] * 6]
    assert fleet.time.naps == pytest.approx([draw * limit for limit in longest])


@pytest.mark.parametrize(("asked_s", "waited_s"), [(0.05, 0.1), (1.5, 1.5), (3600.0, MAX_BACKOFF_S)])
def test_a_pause_is_no_shorter_than_the_upstream_asked_within_reason(asked_s: float, waited_s: float) -> None:
    fleet = Fleet("a", draw=lambda: 0.5, a=[busy(asked_s)])

    fleet.ask()

    assert fleet.time.naps == [pytest.approx(waited_s)]


def test_when_all_have_failed_of_late_even_the_first_retry_waits() -> None:
    fleet = Fleet("ab", draw=lambda: 0.5, a=[down], b=[down])
    for replica in fleet.replicas.values():
        replica.health.n_failures = 1

    fleet.ask()

    assert len(fleet.time.naps) >= 1


def test_a_budget_that_is_spent_allows_no_further_try() -> None:
    config = UpstreamConfig(retries=5, retry_budget=RetryBudgetConfig(share=0.0, min_per_s=0.2))
    fleet = Fleet("ab", config=config, a=[down] * 9, b=[down] * 9)

    with pytest.raises(UpstreamError):
        fleet.ask()

    assert sum(sender.n_calls for sender in fleet.senders.values()) == 3
    assert (fleet.pool.state().n_retries, fleet.pool.state().n_retries_denied) == (2, 1)


def test_calls_that_run_at_once_are_spread() -> None:
    fleet = Fleet("abc")

    async def run() -> set[str]:
        opened = fleet.pool.open
        async with opened(call()) as one, opened(call()) as two, opened(call()) as three, opened(call()) as four:
            return {one.replica, two.replica, three.replica, four.replica}

    assert len(asyncio.run(run())) >= 2
    fleet.assert_at_rest()


def test_a_call_that_was_answered_is_ended_when_its_context_is_left() -> None:
    fleet = Fleet("a")

    fleet.ask()

    assert fleet.senders["a"].n_closed == 1
    fleet.assert_at_rest()


def test_a_call_that_is_cancelled_leaves_nothing_behind() -> None:
    fleet = Fleet("a")

    async def run() -> None:
        fleet.senders["a"].gate = asyncio.Event()
        opening = asyncio.create_task(fleet.pool.open(call()).__aenter__())
        await settle()
        opening.cancel()
        await asyncio.wait([opening])

    asyncio.run(run())

    fleet.assert_at_rest()


@pytest.mark.parametrize("is_told_by", ["the reader", "the stream"])
def test_an_answer_that_breaks_later_counts_as_a_failure_of_its_replica(is_told_by: str) -> None:
    fleet = Fleet("a")

    async def read() -> None:
        async with fleet.pool.open(call()) as exchange:
            if is_told_by == "the stream":
                raise UpstreamBrokenError("broke off")
            exchange.is_broken = True

    try:
        asyncio.run(read())
    except UpstreamBrokenError:
        assert is_told_by == "the stream"

    assert fleet.replicas["a"].health.n_failures == 1
    fleet.assert_at_rest()


def test_a_replica_that_keeps_failing_is_left_out_and_a_single_call_tries_it_later() -> None:
    fleet = Fleet("ab", a=[down] * 3)
    fleet.answered_by(12)
    failing = fleet.senders["a"]
    assert (failing.n_calls, fleet.replicas["a"].health.state) == (3, HealthState.EJECTED)

    fleet.time.now = fleet.replicas["a"].health.until
    back = fleet.ask()

    assert back.replica == "a"
    assert fleet.replicas["a"].health.state is HealthState.HEALTHY


def test_a_replica_whose_answers_begin_well_and_break_is_left_out_too() -> None:
    fleet = Fleet("ab", config=UpstreamConfig(ejection=EjectionConfig(after=2)))

    async def ask() -> None:
        async with fleet.pool.open(call()) as exchange:
            exchange.is_broken = exchange.replica == "a"

    for _ in range(12):
        asyncio.run(ask())
    once = fleet.replicas["a"].health.n_ejections
    fleet.time.now = fleet.replicas["a"].health.until
    asyncio.run(ask())

    assert (once, fleet.replicas["a"].health.n_ejections) == (1, 2)
    assert fleet.replicas["a"].health.state is HealthState.EJECTED
    assert fleet.replicas["b"].health.n_failures == 0


def test_the_answer_to_an_old_call_does_not_bring_a_replica_back() -> None:
    fleet = Fleet("ab", config=UpstreamConfig(ejection=EjectionConfig(after=1)))

    async def run() -> None:
        fleet.senders["a"].gate = asyncio.Event()
        old = asyncio.create_task(fleet.pool.open(call()).__aenter__())
        await settle()
        fleet.pool.note_failure(fleet.replicas["a"], 100.0, down())
        fleet.senders["a"].gate.set()
        await old

    asyncio.run(run())

    assert fleet.replicas["a"].health.state is HealthState.EJECTED


def test_one_call_at_a_time_tries_a_replica_again() -> None:
    fleet = Fleet("ab", a=[down] * 3)
    fleet.answered_by(12)
    fleet.time.now += 60.0

    async def run() -> tuple[int, list[str]]:
        fleet.senders["a"].gate = asyncio.Event()
        trial = asyncio.create_task(fleet.pool.open(call()).__aenter__())
        await settle()
        state = fleet.replicas["a"].health.state
        others = [(await fleet.pool.open(call()).__aenter__()).replica for _ in range(4)]
        trial.cancel()
        await asyncio.wait([trial])
        assert state is HealthState.HALF_OPEN
        return fleet.senders["a"].n_calls, others

    n_asked, others = asyncio.run(run())

    assert (n_asked, others) == (4, ["b"] * 4)
    assert fleet.replicas["a"].health.state is HealthState.EJECTED


def test_a_trial_that_fails_is_followed_by_another_replica_and_a_longer_time() -> None:
    fleet = Fleet("ab", a=[down] * 4)
    fleet.answered_by(12)
    health = fleet.replicas["a"].health
    fleet.time.now = health.until

    answer = fleet.ask()

    assert answer.replica == "b"
    assert health.state is HealthState.EJECTED
    assert health.until - fleet.time.now == pytest.approx(2 * fleet.config.ejection.base_s, abs=1.0)


def asking_to_wait() -> UpstreamError:
    error = UpstreamError("loading")
    error.answered, error.retry_after_s = 503, 1.0
    return error


@pytest.mark.parametrize("answer", [busy(), asking_to_wait, unknown_model])
def test_a_replica_that_is_busy_or_lacks_one_model_is_not_left_out(answer: Failure) -> None:
    fleet = Fleet("ab", a=[answer] * 8)

    fleet.answered_by(12)

    assert fleet.replicas["a"].health.n_failures == 0
    assert fleet.replicas["a"].health.state is HealthState.HEALTHY


def test_a_busy_replica_is_asked_less() -> None:
    fleet = Fleet("ab", a=[busy()])
    fleet.ask()
    fleet.ask()

    assert fleet.replicas["a"].latency_s > fleet.replicas["b"].latency_s


def test_without_affinity_a_session_has_no_home() -> None:
    draws = iter([0.0, 0.99] * 20)
    config = UpstreamConfig(affinity=AffinityConfig(enabled=False))
    fleet = Fleet("abc", config=config, draw=lambda: next(draws))

    assert len(set(fleet.answered_by(10, "one"))) > 1


def test_a_session_stays_on_its_replica() -> None:
    fleet = Fleet("abc")

    homes = {session: set(fleet.answered_by(3, session)) for session in (f"s-{number}" for number in range(30))}

    assert all(len(found) == 1 for found in homes.values())
    assert {name for found in homes.values() for name in found} == set("abc")


def test_a_session_leaves_its_replica_while_that_is_much_busier() -> None:
    fleet = Fleet("ab")
    session = fleet.home_of("b")

    fleet.replicas["b"].in_flight = fleet.pool.n_in_flight = 6

    assert fleet.ask(session).replica == "a"


def test_a_session_leaves_its_replica_while_that_is_out_and_then_comes_back() -> None:
    fleet = Fleet("ab", config=UpstreamConfig(ejection=EjectionConfig(after=1)))
    session = fleet.home_of("b")
    fleet.senders["b"].errors = [down]

    assert fleet.answered_by(3, session) == ["a"] * 3
    fleet.time.now += 60.0
    assert fleet.answered_by(3, session) == ["b"] * 3
