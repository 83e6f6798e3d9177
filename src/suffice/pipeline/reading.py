"""What a request's body tells by itself, and the memory of bodies that come again byte for byte."""

from collections.abc import Callable, Iterable

import msgspec

from suffice.caching.bounded import BoundedCache
from suffice.caching.config import CacheConfig
from suffice.caching.conversations import Prefixes, digest_messages
from suffice.caching.decisions import turn_digest
from suffice.features import read
from suffice.vocabulary import Features, Turn
from suffice.wire.request import Endpoint, GenerationRequest, parse

MAX_BODY_BYTES = 64 * 1024
"""Longer bodies are read each time: few of them come again, and each would push out many short ones."""

_MAX_BYTES = 8 * 1024 * 1024
_MAX_TTL_S = 3_600.0

# Measured with tracemalloc: the parsed texts beside the body, and what is made for each message.
_READING_BYTES = 1_000
_MESSAGE_BYTES = 300


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A body, read; nothing in it depends on who sent it, nor on a scorer or a threshold."""

    request: GenerationRequest
    features: Features
    prefixes: Prefixes
    """Of nobody's yet; see `Prefixes.owned_by`."""
    digests: tuple[bytes, ...] = ()
    """Of each of the features' turns; empty where nobody has asked for them yet."""

    @property
    def digested_turns(self) -> Iterable[tuple[Turn, bytes]]:
        """The features' turns, each with its digest."""
        turns = self.features.turns
        return zip(turns, self.digests or map(turn_digest, turns), strict=True)


def make_reading(request: GenerationRequest, *, max_turns: int, remembers: bool = False) -> Reading:
    """Read a parsed request.

    Args:
        request: Of either endpoint.
        max_turns: User turns to look back at.
        remembers: Make at once what will be asked for each time that the reading is used.
    """
    features = read(request, max_turns=max_turns)
    return Reading(
        request=request,
        features=features,
        prefixes=digest_messages(request.messages),
        digests=tuple(map(turn_digest, features.turns)) if remembers else (),
    )


class Readings:
    """Reads bodies, and remembers the latest in memory, up to 8 MB of them and for an hour.

    A body that comes again, as those of retries and of scheduled jobs do, is then not parsed, looked through and
    digested again.
    """

    def __init__(self, config: CacheConfig, *, max_turns: int, clock: Callable[[], float]) -> None:
        """Begin without any.

        Args:
            config: The `cache` section; off, nothing is remembered.
            max_turns: User turns to look back at.
            clock: Monotonic, seconds.
        """
        self._is_on = config.enabled
        self._max_turns = max_turns
        self._known = BoundedCache[Reading](
            max_entries=config.max_entries,
            max_bytes=min(config.max_bytes // 4, _MAX_BYTES),
            ttl_s=min(config.ttl_s, _MAX_TTL_S),
            clock=clock,
        )

    def __len__(self) -> int:
        return len(self._known)

    def read(self, endpoint: Endpoint, body: bytes, *, use_cache: bool = True) -> Reading:
        """Read a body.

        Args:
            endpoint: That it was sent to.
            body: As it came.
            use_cache: The client lets it be remembered.

        Raises:
            RequestError: It is no request; see `wire.request.parse`.
        """
        if not self._is_on or not use_cache or len(body) > MAX_BODY_BYTES:
            return make_reading(parse(endpoint, body), max_turns=self._max_turns)
        known = self._known.get(body)
        if known is not None and known.request.endpoint is endpoint:
            return known
        reading = make_reading(parse(endpoint, body), max_turns=self._max_turns, remembers=True)
        size_bytes = 2 * len(body) + _READING_BYTES + _MESSAGE_BYTES * len(reading.request.messages)
        self._known.put(body, reading, size_bytes=size_bytes)
        return reading
