"""What a whole run found: per contestant and scenario the median of the rounds and its spread, as JSON keeps it."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plane.measuring import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure over the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of the values of at least one round."""
        return cls(median=statistics.median(values), low=min(values), high=max(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """CPU time of one contestant in one scenario, beside nginx in the same rounds."""

    contestant: str
    scenario: str
    cpu_us: Spread
    nginx_cpu_us: Spread
    times_nginx: Spread
    """Each round's own ratio; not the ratio of the medians."""
    n_answers: int
    """In all rounds."""
    n_events: int | None
    """Of each stream that the client got."""
    p50_us: Spread | None
    """Until the end of an answer, at full load."""
    first_byte_p50_us: Spread | None
    """Until the first byte of a stream, at full load."""
    agrees: bool
    """Client and upstream counted the same in every round, and nothing went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """What a contestant adds to the upstream's own latency, plain answers."""

    contestant: str
    n_connections: int
    added_p50_us: Spread
    added_p99_us: Spread
    direct_p50_us: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All of a run."""

    about: Mapping[str, Any]
    """Machine, versions, date, and how the run was done."""
    versions: Mapping[str, str]
    """By contestant."""
    comparisons: Sequence[Comparison]
    latencies: Sequence[Latency]
    rss_mb: Mapping[str, float]
    """By contestant, after all rounds."""
    upstream_cpu_us: float
    """CPU time of the upstream itself per plain answer, nginx before it."""
    dropped_records: Mapping[str, int] = field(default_factory=dict[str, int])
    unavailable: Mapping[str, str] = field(default_factory=dict[str, str])
    """Contestants that could not be installed, started or measured, and why."""

    def find(self, contestant: str, scenario: str) -> Comparison | None:
        """One comparison, if it was made."""
        found = (one for one in self.comparisons if (one.contestant, one.scenario) == (contestant, scenario))
        return next(found, None)

    def find_latency(self, contestant: str, n_connections: int) -> Latency | None:
        """One latency, if it was measured."""
        found = (one for one in self.latencies if (one.contestant, one.n_connections) == (contestant, n_connections))
        return next(found, None)


def compare(contestant: str, scenario: str, pairs: Sequence[tuple[Reading, Reading]]) -> Comparison:
    """Make a comparison of rounds: in each, nginx first, then the contestant."""
    return Comparison(
        contestant=contestant,
        scenario=scenario,
        cpu_us=Spread.of([own.cpu_us for _, own in pairs]),
        nginx_cpu_us=Spread.of([yardstick.cpu_us for yardstick, _ in pairs]),
        times_nginx=Spread.of([own.cpu_us / yardstick.cpu_us for yardstick, own in pairs]),
        n_answers=sum(own.n_answers for _, own in pairs),
        n_events=pairs[-1][1].served.n_events,
        p50_us=_spread_of_known([own.served.p50_us for _, own in pairs]),
        first_byte_p50_us=_spread_of_known([own.served.first_byte_p50_us for _, own in pairs]),
        agrees=all(reading.agrees for pair in pairs for reading in pair),
    )


def add_latency(contestant: str, n_connections: int, pairs: Sequence[tuple[Reading, Reading]]) -> Latency:
    """Make a latency of rounds: in each, the upstream alone first, then the contestant."""
    served = [(direct.served, own.served) for direct, own in pairs]
    return Latency(
        contestant=contestant,
        n_connections=n_connections,
        added_p50_us=Spread.of([(own.p50_us or 0) - (direct.p50_us or 0) for direct, own in served]),
        added_p99_us=Spread.of([(own.p99_us or 0) - (direct.p99_us or 0) for direct, own in served]),
        direct_p50_us=Spread.of([direct.p50_us or 0 for direct, _ in served]),
    )


def _spread_of_known(values: Sequence[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return Spread.of(known) if known else None
