"""What is measured: a gateway in front of the loopback upstream, running on a core of its own."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from plane.bodies import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a contestant is started."""

    upstream: str
    """Its address, without `/v1`."""
    core: int
    folder: Path
    """For its configuration, logs and records; its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A contestant that answers."""

    pid: int
    address: str
    stream_address: str = ""
    """Where it takes streams, if elsewhere."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Sent with each request."""

    def address_for(self, kind: Kind) -> str:
        """Where requests of a kind go."""
        return self.stream_address if kind.is_streamed and self.stream_address else self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A gateway, in one configuration."""

    name: str
    version: str
    start: Callable[[Place], AbstractContextManager[Running]]


class UnavailableError(Exception):
    """A contestant that cannot be installed or started; says why, in one line."""
