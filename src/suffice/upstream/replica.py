"""One server of a tier: what calls it, and what is known of it."""

import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from suffice.upstream.call import Call, Exchange
from suffice.upstream.health import Health
from suffice.vocabulary import HealthState, ReplicaState

UNLIMITED = sys.maxsize

LATENCY_WEIGHT = 0.1
"""Of the newest latency in the moving average."""


class Sender(Protocol):
    """Makes single calls to a server; `client.Client` is one."""

    @property
    def base_url(self) -> str:
        """Without a trailing slash."""
        ...

    async def send(self, call: Call) -> Exchange:
        """Make one call."""
        ...

    async def probe(self, path: str, timeout_s: float) -> int:
        """The status of a GET."""
        ...


@dataclass(slots=True, eq=False)
class Replica:
    """A server with one tier's model."""

    sender: Sender
    health: Health
    slots: int = UNLIMITED
    """Calls that it gets at once."""
    is_ready: bool = True
    """In service; kept by the roster."""
    in_flight: int = 0
    n_calls: int = 0
    """In all."""
    latency_s: float = 0.0
    """Moving average of the time to the first byte of answers; 0 until there was one."""
    answered_at: float = float("-inf")
    """When a call was last answered; monotonic clock, seconds."""

    @property
    def base_url(self) -> str:
        """Of the server, without a trailing slash."""
        return self.sender.base_url

    @property
    def has_room(self) -> bool:
        """It may get one more call."""
        return self.in_flight < self.slots

    def send(self, call: Call) -> Awaitable[Exchange]:
        """Make one call."""
        return self.sender.send(call)

    async def probe(self, path: str, timeout_s: float) -> int:
        """The status of a GET."""
        return await self.sender.probe(path, timeout_s)

    def note_latency(self, taken_s: float) -> None:
        """Take the time to a first byte into the average."""
        known = self.latency_s
        self.latency_s = known + LATENCY_WEIGHT * (taken_s - known) if known else taken_s


def describe(replica: Replica, now: float) -> ReplicaState:
    """How a replica is; `now` is by the monotonic clock."""
    health = replica.health
    is_out = health.state is HealthState.EJECTED
    return ReplicaState(
        replica=replica.base_url,
        health=health.state,
        in_flight=replica.in_flight,
        slots=None if replica.slots == UNLIMITED else replica.slots,
        n_calls=replica.n_calls,
        n_failures=health.n_failures,
        n_failed_checks=health.n_failed_checks,
        n_ejections=health.n_ejections,
        trial_in_s=max(0.0, health.due_at - now) if is_out else None,
        latency_s=replica.latency_s or None,
    )
