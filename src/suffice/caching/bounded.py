"""A mapping that forgets: bounded by entries, bytes and age, the least recently used first."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")

ENTRY_OVERHEAD_BYTES = 200
"""Of the dict slot, the key and the tuple around a value; measured with tracemalloc on CPython 3.11."""


class BoundedCache(Generic[V]):
    """Values by key.

    Not thread-safe: it belongs to one event loop.
    """

    def __init__(self, *, max_entries: int, max_bytes: int, ttl_s: float, clock: Callable[[], float]) -> None:
        self._entries: OrderedDict[bytes, tuple[float, int, V]] = OrderedDict()
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._clock = clock
        self._n_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def n_bytes(self) -> int:
        """Estimated memory of what is held."""
        return self._n_bytes

    def get(self, key: bytes) -> V | None:
        """The value, if it is held and young enough."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        stored_at, size, value = entry
        if self._clock() - stored_at > self._ttl_s:
            del self._entries[key]
            self._n_bytes -= size
            return None
        self._entries.move_to_end(key)
        return value

    def put(self, key: bytes, value: V, *, size_bytes: int) -> None:
        """Hold a value; what no longer fits is forgotten, the least recently used first.

        A value that is over the limit by itself is not held, and pushes nothing out.

        Args:
            key: A digest.
            value: Anything.
            size_bytes: Estimated memory of the value alone.
        """
        size = size_bytes + len(key) + ENTRY_OVERHEAD_BYTES
        old = self._entries.pop(key, None)
        if old is not None:
            self._n_bytes -= old[1]
        if size > self._max_bytes:
            return
        self._entries[key] = (self._clock(), size, value)
        self._n_bytes += size
        while len(self._entries) > self._max_entries or self._n_bytes > self._max_bytes:
            _, (_, freed, _) = self._entries.popitem(last=False)
            self._n_bytes -= freed
