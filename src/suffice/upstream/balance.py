"""Which replica gets a call: its conversation's own one, else the less busy of two drawn at random."""

import hashlib
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from suffice.upstream.config import AffinityConfig
from suffice.upstream.replica import Replica

POINTS = 128
"""Of each replica on the ring; the more, the more equal the arcs."""
SLACK = 2
"""Calls above the mean that are no reason to give up a warm prefix cache."""
FORGET = 0.98
"""What is left of a slow replica's latency each time it is passed over for it, so that it is asked again in the end."""


def choose_of_two(replicas: Sequence[Replica], draw: Callable[[], float]) -> Replica:
    """The less busy of two, drawn from at least one.

    Source:
        M. Mitzenmacher 2001, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10).
    """
    n = len(replicas)
    if n == 1:
        return replicas[0]
    first, second = divmod(int(draw() * n * (n - 1)), n - 1)
    return less_busy(replicas[first], replicas[second + (second >= first)])


def less_busy(one: Replica, other: Replica) -> Replica:
    """The one where a call would wait less: calls in flight, times latency where both are known."""
    n_one, n_other = one.in_flight, other.in_flight
    if not one.latency_s or not other.latency_s:
        return one if n_one <= n_other else other
    if (n_one + 1) * one.latency_s > (n_other + 1) * other.latency_s:
        one, other, n_one, n_other = other, one, n_other, n_one
    if n_one >= n_other:
        other.latency_s = max(one.latency_s, other.latency_s * FORGET)
    return one


class Ring:
    """A circle of hashes on which every conversation has a place, and with it an order of the replicas.

    Each gateway and worker finds the same replica without telling another, and when one leaves, only its own
    conversations move.

    Source:
        Mirrokni, Thorup, Zadimoghaddam 2018, "Consistent Hashing with Bounded Loads", SODA: who finds a replica at
        its bound, a multiple of the mean load, goes on to the next on the circle.
    """

    def __init__(self, replicas: Sequence[Replica], config: AffinityConfig) -> None:
        points = sorted(
            (zlib.crc32(hashlib.blake2b(f"{replica.base_url}#{number}".encode(), digest_size=16).digest()), index)
            for index, replica in enumerate(replicas)
            for number in range(POINTS)
        )
        self._hashes = [point for point, _ in points]
        self._owners = [replicas[index] for _, index in points]
        self._owners.append(self._owners[0])
        self._factor = config.max_load / len(replicas)

    def find(self, session: str, n_in_flight: int) -> Replica | None:
        """The first replica from a session's place on that is in service, has room and is within its bound.

        Args:
            session: The conversation.
            n_in_flight: Calls to all replicas together.
        """
        at = bisect_left(self._hashes, zlib.crc32(session.encode()))
        bound = self._factor * n_in_flight + SLACK
        home = self._owners[at]
        if home.is_ready and home.in_flight < home.slots and home.in_flight <= bound:
            return home
        others = self._others(at)
        return next((each for each in others if each.is_ready and each.has_room and each.in_flight <= bound), None)

    def _others(self, at: int) -> Iterator[Replica]:
        seen = {self._owners[at]}
        n = len(self._hashes)
        for step in range(1, n):
            owner = self._owners[(at + step) % n]
            if owner not in seen:
                seen.add(owner)
                yield owner


def least_loaded(replicas: Sequence[Replica]) -> Replica | None:
    """The replica with the fewest calls in flight for its room, among those that have room."""
    free = [replica for replica in replicas if replica.has_room]
    return min(free, key=_load, default=None)


def _load(replica: Replica) -> tuple[float, float]:
    return replica.in_flight / replica.slots, replica.latency_s
