from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from suffice.caching.bounded import ENTRY_OVERHEAD_BYTES, BoundedCache

keys = st.sampled_from([bytes([letter]) for letter in b"abcdefgh"])
sizes = st.integers(min_value=0, max_value=800)


@dataclass
class SlowCache:
    """What `BoundedCache` promises, written from the promise: a list, the least recently used first."""

    max_entries: int
    max_bytes: int
    ttl_s: float
    entries: list[tuple[bytes, float, int, int]] = field(default_factory=list[tuple[bytes, float, int, int]])

    def put(self, key: bytes, value: int, size: int, now: float) -> None:
        self.entries = [entry for entry in self.entries if entry[0] != key]
        if size <= self.max_bytes:
            self.entries.append((key, now, size, value))
        while len(self.entries) > self.max_entries or sum(entry[2] for entry in self.entries) > self.max_bytes:
            self.entries = self.entries[1:]

    def get(self, key: bytes, now: float) -> int | None:
        found = [entry for entry in self.entries if entry[0] == key]
        self.entries = [entry for entry in self.entries if entry[0] != key]
        young = [entry for entry in found if now - entry[1] <= self.ttl_s]
        self.entries += young
        return young[0][3] if young else None


class CacheAgainstModel(RuleBasedStateMachine):
    now: float = 0.0
    n_put: int = 0

    @initialize(max_entries=st.integers(1, 5), max_bytes=st.integers(1, 2_000), ttl_s=st.integers(1, 20))
    def begin(self, max_entries: int, max_bytes: int, ttl_s: int) -> None:
        self.limits = (max_entries, max_bytes)
        self.cache = BoundedCache[int](
            max_entries=max_entries, max_bytes=max_bytes, ttl_s=ttl_s, clock=lambda: self.now
        )
        self.model = SlowCache(max_entries, max_bytes, ttl_s)

    @rule(key=keys, size=sizes)
    def put(self, key: bytes, size: int) -> None:
        self.n_put += 1
        self.cache.put(key, self.n_put, size_bytes=size)
        self.model.put(key, self.n_put, size + len(key) + ENTRY_OVERHEAD_BYTES, self.now)

    @rule(key=keys)
    def get(self, key: bytes) -> None:
        assert self.cache.get(key) == self.model.get(key, self.now)

    @rule(seconds=st.integers(min_value=1, max_value=15))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @invariant()
    def nothing_is_over_its_limit(self) -> None:
        assert len(self.cache) <= self.limits[0]
        assert self.cache.n_bytes <= self.limits[1]

    @invariant()
    def the_books_are_right(self) -> None:
        assert len(self.cache) == len(self.model.entries)
        assert self.cache.n_bytes == sum(entry[2] for entry in self.model.entries)


class TestBoundedCache(CacheAgainstModel.TestCase):
    settings = settings(max_examples=50, stateful_step_count=40)
