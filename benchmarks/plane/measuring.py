"""One measurement: a contestant under load, what the client saw, and what it cost according to the system."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plane.bodies import Kind
from plane.contestant import Running
from plane.load import Load, Served, press
from plane.processes import cpu_s, wait_until_idle
from suffice.testing import call

WARM_UP_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of work."""

    name: str
    kind: Kind
    step_ms: float = 0.0
    """Between the events of a stream; 0: as fast as they can be written."""
    n_connections: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one measurement found."""

    n_answers: int
    """As the upstream counted them."""
    cpu_us: float
    """Of the contestant, per answer."""
    upstream_cpu_us: float
    """Of the upstream, likewise."""
    served: Served
    agrees: bool
    """Client and upstream counted the same, but for what was under way at the end; nothing went wrong."""


@dataclass(frozen=True, slots=True)
class Count:
    """What the upstream has done so far."""

    n_answers: int
    cpu_s: float


class Upstream:
    """The running upstream, as it is asked and told."""

    def __init__(self, address: str) -> None:
        self.address = address

    def count(self, kind: Kind) -> Count:
        """What it has done so far."""
        told = json.loads(call(self.address, "GET", "/_counts").body)
        return Count(told["streamed" if kind.is_streamed else "plain"], told["cpu_s"])

    def set_step(self, step_ms: float) -> None:
        """How streams are written from now on."""
        call(self.address, "POST", "/_step", str(step_ms).encode())


class Bench:
    """Takes readings; each goes on with the bodies where the last one ended."""

    def __init__(self, upstream: Upstream, files: Mapping[Kind, Path], *, load_core: int, seconds: float) -> None:
        self.upstream = upstream
        self.seconds = seconds
        self._files = files
        self._load_core = load_core
        self._first = 0

    def read(self, running: Running, scenario: Scenario, *, seconds: float | None = None) -> Reading:
        """Measure one contestant."""
        kind = scenario.kind
        self.upstream.set_step(scenario.step_ms)
        wait_until_idle(running.pid)
        before, spent_s = self.upstream.count(kind), cpu_s(running.pid)
        served = press(running.address_for(kind), running.headers, self._load(scenario, seconds or self.seconds))
        wait_until_idle(running.pid)
        spent_s = cpu_s(running.pid) - spent_s
        after = self.upstream.count(kind)
        n_answers = after.n_answers - before.n_answers
        self._first += n_answers
        return Reading(
            n_answers=n_answers,
            cpu_us=1e6 * spent_s / max(1, n_answers),
            upstream_cpu_us=1e6 * (after.cpu_s - before.cpu_s) / max(1, n_answers),
            served=served,
            agrees=is_consistent(n_answers, served, scenario.n_connections),
        )

    def warm_up(self, running: Running, scenario: Scenario, n_answers: int) -> None:
        """Load a contestant until it has answered so many, for a minute at most."""
        n_given = 0
        for _ in range(round(WARM_UP_S / self.seconds)):
            n_given += self.read(running, scenario).n_answers
            if n_given >= n_answers:
                break

    def _load(self, scenario: Scenario, seconds: float) -> Load:
        return Load(
            kind=scenario.kind,
            file=self._files[scenario.kind],
            first=self._first,
            n_connections=scenario.n_connections,
            seconds=seconds,
            core=self._load_core,
        )


def is_consistent(n_answers: int, served: Served, n_connections: int) -> bool:
    """Whether client and upstream tell the same: when the client stops, each connection may have one under way."""
    return served.n_bad == 0 and 0 <= n_answers - served.n_answers <= n_connections
