import pytest

from suffice.upstream.config import ChecksConfig, EjectionConfig
from suffice.upstream.health import Health
from suffice.vocabulary import HealthState


def make_health(*, after: int = 2) -> Health:
    return Health(EjectionConfig(base_s=5.0, max_s=60.0), ChecksConfig(after=after))


def test_each_trial_that_fails_doubles_the_time_up_to_its_limit() -> None:
    health = make_health()
    times: list[float] = []

    for _ in range(6):
        health.eject(100.0)
        times.append(health.until - 100.0)
        health.begin_trial()

    assert times == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert health.n_ejections == 6


@pytest.mark.parametrize(("ends_well", "until"), [(True, 5.0), (False, 20.0)])
def test_a_good_end_makes_the_next_time_short_again_and_a_first_byte_does_not(*, ends_well: bool, until: float) -> None:
    health = make_health()
    health.eject(0.0)
    health.eject(0.0)

    health.restore()
    if ends_well:
        health.note_good_end()
    health.eject(0.0)

    assert health.until == until


def test_bad_checks_count_only_after_a_good_one() -> None:
    health = make_health()

    for _ in range(5):
        health.note_bad_check(1.0)

    assert (health.state, health.n_failed_checks) == (HealthState.HEALTHY, 0)


def test_bad_checks_take_a_replica_out_and_a_good_one_brings_it_back() -> None:
    health = make_health()
    health.note_good_check(0.0)

    health.note_bad_check(1.0)
    before = health.state
    health.note_bad_check(2.0)
    after = health.state
    health.note_good_check(3.0)

    assert (before, after, health.state) == (HealthState.HEALTHY, HealthState.EJECTED, HealthState.HEALTHY)


def test_a_good_check_alone_does_not_bring_back_what_calls_took_out() -> None:
    health = make_health()
    health.eject(0.0)

    health.note_good_check(1.0)

    assert (health.state, health.due_at) == (HealthState.EJECTED, 5.0)


def test_what_calls_took_out_is_tried_at_once_when_it_can_be_reached_again() -> None:
    health = make_health()
    health.note_good_check(0.0)
    health.eject(0.0)
    health.note_bad_check(1.0)

    health.note_good_check(2.0)

    assert (health.state, health.due_at) == (HealthState.EJECTED, 2.0)


def test_bad_checks_put_a_trial_off_but_not_for_ever() -> None:
    health = make_health()
    health.note_good_check(0.0)
    health.eject(0.0)

    health.note_bad_check(1.0)

    assert health.due_at == 5.0 + 60.0


@pytest.mark.parametrize("state", [HealthState.EJECTED, HealthState.HALF_OPEN])
def test_a_bad_check_changes_nothing_of_what_is_out_already(state: HealthState) -> None:
    health = make_health(after=1)
    health.note_good_check(0.0)
    health.eject(0.0)
    health.state = state

    health.note_bad_check(1.0)

    assert (health.state, health.until) == (state, 5.0)
