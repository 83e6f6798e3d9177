import random
from collections import Counter
from collections.abc import Iterator

import pytest
from fake_replicas import Fleet

from suffice.upstream.balance import POINTS, SLACK, Ring, choose_of_two, least_loaded, less_busy
from suffice.upstream.config import AffinityConfig
from suffice.upstream.replica import Replica


def replicas(names: str, *, in_flight: Iterator[int] | None = None, slots: int = 1_000) -> list[Replica]:
    made = list(Fleet(names, slots=slots).replicas.values())
    for replica, n in zip(made, in_flight or (), strict=False):
        replica.in_flight = n
    return made


def test_every_pair_is_drawn_equally_often() -> None:
    group = replicas("abc")
    n = 6
    drawn = Counter(choose_of_two(group, lambda at=at: (at + 0.5) / n).base_url for at in range(n))

    assert drawn == {"a": 2, "b": 2, "c": 2}


def test_the_less_busy_of_the_two_is_chosen() -> None:
    group = replicas("abcd", in_flight=iter([5, 3, 2, 4]))
    source = random.Random(1)

    chosen = Counter(choose_of_two(group, source.random).base_url for _ in range(3_000))

    assert "a" not in chosen
    assert chosen["c"] == pytest.approx(1_500, abs=150)
    assert chosen["b"] == pytest.approx(1_000, abs=150)


def test_one_replica_needs_no_choice() -> None:
    (only,) = replicas("a")

    assert choose_of_two([only], lambda: 0.99) is only


def test_a_slow_replica_counts_as_busier() -> None:
    slow, quick = replicas("ab", in_flight=iter([1, 2]))
    slow.latency_s, quick.latency_s = 1.0, 0.5

    assert less_busy(slow, quick) is quick


def test_a_latency_that_is_not_known_does_not_count() -> None:
    known, unknown = replicas("ab", in_flight=iter([1, 2]))
    known.latency_s = 9.0

    assert less_busy(known, unknown) is known


def test_a_slow_replica_is_asked_again_in_the_end() -> None:
    slow, quick = replicas("ab")
    slow.latency_s, quick.latency_s = 2.0, 0.1

    n_passed_over = next(n for n in range(1_000) if less_busy(slow, quick) is slow)

    assert 100 < n_passed_over < 200


def test_who_loses_by_calls_in_flight_is_not_thought_quicker_for_it() -> None:
    busy, idle = replicas("ab", in_flight=iter([9, 0]))
    busy.latency_s = idle.latency_s = 1.0

    less_busy(busy, idle)

    assert busy.latency_s == 1.0


def test_the_ring_gives_every_replica_its_share() -> None:
    group = replicas("abcd")
    ring = Ring(group, AffinityConfig())

    homes = Counter(ring.find(f"session-{number}", 0) for number in range(8_000))

    assert [homes[replica] for replica in group] == pytest.approx([2_000] * 4, rel=3 / POINTS**0.5)


def test_when_a_replica_goes_only_its_own_sessions_move() -> None:
    group = replicas("abcd")
    ring = Ring(group, AffinityConfig())
    sessions = [f"session-{number}" for number in range(500)]
    before = {session: ring.find(session, 0) for session in sessions}

    group[2].is_ready = False

    moved = [session for session in sessions if ring.find(session, 0) is not before[session]]
    assert moved == [session for session in sessions if before[session] is group[2]]
    assert {ring.find(session, 0) for session in moved} == {group[0], group[1], group[3]}


def test_a_session_goes_on_along_the_ring_while_its_replica_is_over_the_bound_or_full() -> None:
    group = replicas("abc", slots=40)
    ring = Ring(group, AffinityConfig(max_load=1.5))
    home = ring.find("one", 0)
    assert home is not None
    n_in_flight = 24
    bound = 1.5 * n_in_flight / 3 + SLACK

    home.in_flight = int(bound)
    assert ring.find("one", n_in_flight) is home
    home.in_flight += 1
    second = ring.find("one", n_in_flight)
    assert second not in {None, home}
    home.in_flight, home.slots = 3, 3
    assert ring.find("one", n_in_flight) is second


def test_a_ring_whose_replicas_are_all_out_finds_none() -> None:
    group = replicas("ab")
    ring = Ring(group, AffinityConfig())
    for replica in group:
        replica.is_ready = False

    assert ring.find("one", 0) is None


def test_the_least_loaded_has_room_and_the_fewest_calls_for_its_slots() -> None:
    group = replicas("abc", in_flight=iter([4, 3, 2]))
    group[0].slots, group[1].slots, group[2].slots = 8, 4, 2

    assert least_loaded(group) is group[0]
    assert least_loaded(group[2:]) is None
