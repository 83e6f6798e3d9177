import re

from suffice.recording.ids import RequestIds


def test_ids_rise_with_the_clock() -> None:
    times = iter([1_795_000_000.001, 1_795_000_000.002, 1_795_000_001.0, 4_000_000_000.0])
    new_id = RequestIds(lambda: next(times))

    ids = [new_id() for _ in range(4)]

    assert ids == sorted(ids)
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


def test_ids_of_one_moment_differ() -> None:
    new_id = RequestIds(lambda: 1.0)

    assert len({new_id() for _ in range(1_000)}) == 1_000
