import asyncio
from contextlib import suppress

from fake_replicas import Fleet, down, settle

from suffice.upstream.checks import Checks
from suffice.upstream.config import ChecksConfig, UpstreamConfig
from suffice.vocabulary import HealthState

CHECKS = ChecksConfig(after=1, interval_s=5.0)


def make_fleet() -> tuple[Fleet, Checks]:
    fleet = Fleet("ab", config=UpstreamConfig(checks=CHECKS))
    return fleet, Checks([fleet.pool], CHECKS)


def states(fleet: Fleet) -> list[HealthState]:
    return [replica.health.state for replica in fleet.replicas.values()]


def test_a_replica_that_answers_no_check_is_left_out_until_it_does() -> None:
    fleet, checks = make_fleet()
    fleet.senders["b"].probes = [200, down(), 200]
    seen: list[HealthState] = []

    for _ in range(3):
        asyncio.run(checks.check_all())
        seen.append(states(fleet)[1])

    assert seen == [HealthState.HEALTHY, HealthState.EJECTED, HealthState.HEALTHY]
    assert states(fleet)[0] is HealthState.HEALTHY


def test_checks_may_leave_out_all_replicas() -> None:
    fleet, checks = make_fleet()
    for sender in fleet.senders.values():
        sender.probes = [200, 503]

    for _ in range(2):
        asyncio.run(checks.check_all())

    assert states(fleet) == [HealthState.EJECTED] * 2


def test_any_answer_but_a_server_error_is_a_good_one() -> None:
    fleet, checks = make_fleet()
    fleet.senders["a"].probes = [200, 401, 404, 405, 302]

    for _ in range(5):
        asyncio.run(checks.check_all())

    assert states(fleet)[0] is HealthState.HEALTHY


def test_who_answers_calls_is_not_checked() -> None:
    fleet, checks = make_fleet()
    fleet.replicas["a"].answered_at = fleet.time.now - 1.0

    asyncio.run(checks.check_all())

    assert [sender.n_probes for sender in fleet.senders.values()] == [0, 1]


def test_a_bad_check_does_not_count_against_who_answered_a_call_meanwhile() -> None:
    fleet, checks = make_fleet()
    fleet.senders["a"].probes = [200, down()]
    asyncio.run(checks.check_all())

    async def probe(path: str, timeout_s: float) -> int:
        fleet.replicas["a"].answered_at = fleet.time.now
        return 500

    fleet.senders["a"].probe = probe  # type: ignore[method-assign]
    asyncio.run(checks.check_all())

    assert states(fleet)[0] is HealthState.HEALTHY


def test_the_watch_checks_at_once_and_ends_when_it_is_cancelled() -> None:
    fleet, checks = make_fleet()

    async def run() -> None:
        watching = asyncio.create_task(checks.watch())
        await settle()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    asyncio.run(run())

    assert [sender.n_probes for sender in fleet.senders.values()] == [1, 1]
