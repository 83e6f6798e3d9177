"""Replicas at their limit: who waits, who is refused, and that places come back."""

import asyncio

import pytest
from fake_replicas import Fleet, call, down, settle

from suffice.errors import NoReplicaError, TierFullError, UpstreamError
from suffice.upstream.call import FailedTry
from suffice.upstream.config import ChecksConfig, EjectionConfig, QueueConfig, UpstreamConfig
from suffice.vocabulary import Priority


def test_who_finds_every_place_taken_waits_for_the_first_that_comes_free() -> None:
    fleet = Fleet("ab", slots=1)

    async def run() -> str:
        one, two = fleet.pool.open(call()), fleet.pool.open(call())
        await one.__aenter__()
        second = await two.__aenter__()
        waiting = asyncio.create_task(fleet.pool.open(call()).__aenter__())
        await settle()
        assert fleet.pool.state().n_waiting == 1
        await two.__aexit__(None, None, None)
        third = await waiting
        assert third.replica == second.replica
        return third.replica

    assert asyncio.run(run()) in "ab"


def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    fleet = Fleet("a", slots=1, queue=QueueConfig(max_waiting=0))

    async def run() -> None:
        async with fleet.pool.open(call()):
            await fleet.pool.open(call()).__aenter__()

    with pytest.raises(TierFullError, match="tier 'small' is at its limit, and its queue is full") as caught:
        asyncio.run(run())

    assert caught.value.retry_after_s == 1.0
    assert caught.value.tries == ()
    assert fleet.pool.state().n_shed == {("full", Priority.NORMAL): 1}
    fleet.assert_at_rest()


def test_a_retry_that_finds_no_place_tells_of_its_tries_all_the_same() -> None:
    fleet = Fleet("a", slots=1, queue=QueueConfig(max_waiting=0), a=[down])
    taken: list[None] = []

    async def sleep(_: float) -> None:
        fleet.pool.hold(fleet.replicas["a"])
        taken.append(None)

    fleet.pool._sleep = sleep  # pyright: ignore[reportPrivateUsage] - somebody else is quicker
    with pytest.raises(TierFullError) as caught:
        fleet.ask()

    assert [each.code for each in caught.value.tries if isinstance(each, FailedTry)] == ["upstream_failed"]
    assert fleet.replicas["a"].in_flight == len(taken) == 1


def test_when_no_replica_is_in_service_nobody_waits() -> None:
    config = UpstreamConfig(checks=ChecksConfig(after=1))
    fleet = Fleet("a", slots=1, config=config)

    async def run() -> None:
        async with fleet.pool.open(call()):
            waiting = asyncio.create_task(fleet.pool.open(call()).__aenter__())
            await settle()
            for is_good in (True, False):
                fleet.pool.note_check(fleet.replicas["a"], is_good=is_good)
            with pytest.raises(NoReplicaError, match="none of the 1 replicas of tier 'small'"):
                await waiting
            with pytest.raises(NoReplicaError) as caught:
                await fleet.pool.open(call()).__aenter__()
            assert caught.value.retry_after_s == pytest.approx(60.0)

    asyncio.run(run())

    fleet.assert_at_rest()


def test_a_replica_that_comes_back_serves_who_waits() -> None:
    config = UpstreamConfig(ejection=EjectionConfig(after=1))
    fleet = Fleet("ab", slots=1, config=config)

    async def run() -> str:
        fleet.pool.note_failure(fleet.replicas["b"], 100.0, down())
        await fleet.pool.open(call()).__aenter__()
        waiting = asyncio.create_task(fleet.pool.open(call()).__aenter__())
        await settle()
        fleet.replicas["b"].health.is_by_checks = True
        fleet.pool.note_check(fleet.replicas["b"], is_good=True)
        return (await waiting).replica

    assert asyncio.run(run()) == "b"


def test_a_place_whose_call_fails_goes_to_who_waits() -> None:
    fleet = Fleet("a", slots=1, config=UpstreamConfig(retries=0), a=[down])

    async def run() -> str:
        fleet.senders["a"].gate = asyncio.Event()
        failing = asyncio.create_task(fleet.pool.open(call()).__aenter__())
        await settle()
        waiting = asyncio.create_task(fleet.pool.open(call()).__aenter__())
        await settle()
        fleet.senders["a"].gate.set()
        await asyncio.wait([failing])
        assert isinstance(failing.exception(), UpstreamError)
        return (await waiting).replica

    assert asyncio.run(run()) == "a"


def test_a_plain_answer_frees_its_place_as_soon_as_it_is_whole() -> None:
    fleet = Fleet("a", slots=1, queue=QueueConfig(max_waiting=0))

    async def run() -> None:
        async with fleet.pool.open(call(stream=False)), fleet.pool.open(call(stream=False)):
            assert fleet.replicas["a"].in_flight == 0

    asyncio.run(run())

    fleet.assert_at_rest()
