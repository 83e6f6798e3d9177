import asyncio

import pytest
from fake_replicas import Fleet, call, down, settle

from suffice.errors import UpstreamError
from suffice.upstream.call import Exchange
from suffice.upstream.config import EjectionConfig, RetryBudgetConfig, UpstreamConfig
from suffice.upstream.hedging import _end, _Runner  # pyright: ignore[reportPrivateUsage] - what no caller can bring about
from suffice.upstream.pool import Opening

HEDGED = UpstreamConfig(hedge_after_s=0.001, retries=0)


def close_gates(fleet: Fleet, names: str) -> None:
    for name in names:
        fleet.senders[name].gate = asyncio.Event()


async def open_late(fleet: Fleet) -> tuple[Opening, asyncio.Task[Exchange]]:
    """A call whose second replica has been asked, as far as there is one."""
    opening = fleet.pool.open(call())
    entering: asyncio.Task[Exchange] = asyncio.create_task(opening.__aenter__())
    await asyncio.sleep(0.02)
    await settle()
    return opening, entering


def test_a_first_byte_in_time_needs_no_second_call() -> None:
    fleet = Fleet("ab", config=HEDGED)

    exchange = fleet.ask()

    assert exchange.tries == []
    assert (fleet.senders["b"].n_calls, fleet.pool.n_hedges) == (0, 0)
    fleet.assert_at_rest()


@pytest.mark.parametrize(("slow", "winner", "loser"), [("a", "b", "a"), ("ab", "a", "b")])
def test_the_first_answer_wins_and_the_other_call_is_ended(slow: str, winner: str, loser: str) -> None:
    fleet = Fleet("ab", config=HEDGED)

    async def run() -> None:
        close_gates(fleet, slow)
        if winner == "a":
            opening, entering = await open_late(fleet)
            gate = fleet.senders["a"].gate
            assert gate is not None
            gate.set()
        else:
            opening, entering = await open_late(fleet)
        exchange = await entering
        assert exchange.replica == winner
        assert [(each.replica, each.code) for each in exchange.tries] == [(loser, "upstream_outpaced")]
        assert fleet.replicas[loser].in_flight == 0
        await opening.__aexit__(None, None, None)

    asyncio.run(run())

    assert fleet.pool.n_hedges == 1
    fleet.assert_at_rest()


def test_who_loses_is_known_to_be_at_least_that_slow() -> None:
    fleet = Fleet("ab", config=HEDGED)

    async def run() -> None:
        close_gates(fleet, "a")
        opening, entering = await open_late(fleet)
        await entering
        await opening.__aexit__(None, None, None)

    asyncio.run(run())

    assert fleet.replicas["a"].latency_s == pytest.approx(0.125)


def test_where_both_fail_both_are_told_of() -> None:
    fleet = Fleet("ab", config=HEDGED, a=[down], b=[down])

    async def run() -> None:
        close_gates(fleet, "ab")
        _, entering = await open_late(fleet)
        for sender in fleet.senders.values():
            assert sender.gate is not None
            sender.gate.set()
        with pytest.raises(UpstreamError) as caught:
            await entering
        assert len(caught.value.tries) == 2

    asyncio.run(run())

    fleet.assert_at_rest()


def test_a_second_call_that_fails_leaves_the_first_one_running() -> None:
    fleet = Fleet("ab", config=HEDGED, b=[down])

    async def run() -> None:
        close_gates(fleet, "a")
        opening, entering = await open_late(fleet)
        gate = fleet.senders["a"].gate
        assert gate is not None
        gate.set()
        exchange = await entering
        assert [(each.replica, each.code) for each in exchange.tries] == [("b", "upstream_failed")]
        await opening.__aexit__(None, None, None)

    asyncio.run(run())

    fleet.assert_at_rest()


@pytest.mark.parametrize("lack", ["another replica", "a place", "a token"])
def test_without_room_or_budget_the_first_call_just_goes_on(lack: str) -> None:
    budget = RetryBudgetConfig(share=0.0, min_per_s=0.0 if lack == "a token" else 10.0)
    config = UpstreamConfig(hedge_after_s=0.001, retry_budget=budget, ejection=EjectionConfig(after=1))
    fleet = Fleet("a" if lack == "another replica" else "ab", config=config)
    if lack == "a place":
        fleet.replicas["b"].slots = 0

    async def run() -> None:
        close_gates(fleet, "a")
        opening, entering = await open_late(fleet)
        gate = fleet.senders["a"].gate
        assert gate is not None
        gate.set()
        await entering
        await opening.__aexit__(None, None, None)

    asyncio.run(run())

    assert fleet.pool.n_hedges == 0
    fleet.assert_at_rest()


@pytest.mark.parametrize("n_turns", [0, 1, 30])
def test_a_race_that_is_cancelled_leaves_nothing_behind(n_turns: int) -> None:
    fleet = Fleet("ab", config=UpstreamConfig(hedge_after_s=1e-9))

    async def run() -> None:
        close_gates(fleet, "ab")
        entering = asyncio.create_task(fleet.pool.open(call()).__aenter__())
        for _ in range(n_turns):
            await asyncio.sleep(0.001 if n_turns == 30 else 0)
        entering.cancel()
        await asyncio.wait([entering])

    asyncio.run(run())

    fleet.assert_at_rest()


def test_a_call_that_is_ended_before_it_has_begun_gives_its_place_back() -> None:
    fleet = Fleet("a", config=HEDGED)

    async def run() -> None:
        fleet.pool.hold(fleet.replicas["a"])
        runner = _Runner(fleet.replicas["a"], 100.0)
        await _end(fleet.pool, {asyncio.create_task(runner.run(fleet.pool, call())): runner})

    asyncio.run(run())

    assert fleet.senders["a"].n_calls == 0
    fleet.assert_at_rest()
