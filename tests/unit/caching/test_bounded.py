from dataclasses import dataclass

import pytest

from suffice.caching.bounded import ENTRY_OVERHEAD_BYTES, BoundedCache


@dataclass
class FakeClock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def make_cache(
    clock: FakeClock | None = None, *, max_entries: int = 3, max_bytes: int = 10_000, ttl_s: float = 60.0
) -> BoundedCache[str]:
    return BoundedCache[str](max_entries=max_entries, max_bytes=max_bytes, ttl_s=ttl_s, clock=clock or FakeClock())


def held(cache: BoundedCache[str], keys: bytes) -> str:
    return "".join(cache.get(bytes([key])) or "-" for key in keys)


def test_what_was_put_is_got_again() -> None:
    cache = make_cache()

    cache.put(b"a", "A", size_bytes=10)

    assert (cache.get(b"a"), cache.get(b"b")) == ("A", None)
    assert len(cache) == 1
    assert cache.n_bytes == 10 + 1 + ENTRY_OVERHEAD_BYTES


def test_the_least_recently_used_goes_first() -> None:
    cache = make_cache()
    for key in (b"a", b"b", b"c"):
        cache.put(key, key.decode().upper(), size_bytes=10)

    cache.get(b"a")
    cache.put(b"d", "D", size_bytes=10)

    assert held(cache, b"abcd") == "A-CD"


def test_putting_again_is_a_use_and_replaces_the_size() -> None:
    cache = make_cache()
    for key in (b"a", b"b", b"c"):
        cache.put(key, key.decode().upper(), size_bytes=10)

    cache.put(b"a", "Z", size_bytes=30)
    cache.put(b"d", "D", size_bytes=10)

    assert held(cache, b"abcd") == "Z-CD"
    assert cache.n_bytes == 30 + 10 + 10 + 3 * (1 + ENTRY_OVERHEAD_BYTES)


def test_bytes_are_bounded_as_well_as_entries() -> None:
    room_for_two = 2 * (100 + 1 + ENTRY_OVERHEAD_BYTES)
    cache = make_cache(max_entries=100, max_bytes=room_for_two)

    for key in (b"a", b"b", b"c"):
        cache.put(key, key.decode().upper(), size_bytes=100)

    assert held(cache, b"abc") == "-BC"
    assert cache.n_bytes <= room_for_two


def test_a_value_that_can_never_fit_pushes_nothing_out() -> None:
    cache = make_cache(max_bytes=1_000)
    cache.put(b"a", "A", size_bytes=10)

    cache.put(b"b", "B", size_bytes=5_000)

    assert held(cache, b"ab") == "A-"


def test_a_value_that_outgrows_the_cache_takes_its_old_one_along() -> None:
    cache = make_cache(max_bytes=1_000)
    cache.put(b"a", "A", size_bytes=10)

    cache.put(b"a", "B", size_bytes=5_000)

    assert cache.get(b"a") is None
    assert (len(cache), cache.n_bytes) == (0, 0)


@pytest.mark.parametrize(("age_s", "expected"), [(59.9, "A"), (60.0, "A"), (60.1, None)])
def test_a_value_is_forgotten_when_it_is_too_old(age_s: float, expected: str | None) -> None:
    clock = FakeClock()
    cache = make_cache(clock)
    cache.put(b"a", "A", size_bytes=10)

    clock.now = age_s

    assert cache.get(b"a") == expected
    assert cache.n_bytes == (0 if expected is None else 11 + ENTRY_OVERHEAD_BYTES)


def test_a_use_does_not_make_a_value_younger_but_putting_it_again_does() -> None:
    clock = FakeClock()
    cache = make_cache(clock)
    for key in (b"a", b"b"):
        cache.put(key, key.decode().upper(), size_bytes=10)

    clock.now = 50.0
    cache.get(b"a")
    cache.put(b"b", "B", size_bytes=10)
    clock.now = 70.0

    assert held(cache, b"ab") == "-B"
