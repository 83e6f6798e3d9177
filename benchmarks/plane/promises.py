"""What the gateway promises to cost, and whether a run bears it out."""

from collections.abc import Sequence
from dataclasses import dataclass

from plane.ours import CACHED, FRESH
from plane.results import Results
from plane.rounds import PLAIN, STREAM, STREAM_CUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One limit, and what was measured."""

    what: str
    limit: float
    measured: float | None
    unit: str

    @property
    def holds(self) -> bool:
        """Whether it was measured, and is within the limit."""
        return self.measured is not None and self.measured <= self.limit


def check(results: Results) -> Sequence[Promise]:
    """Every promise."""
    return [
        _times("a plain answer, every request scored afresh", 4.2, results, FRESH, PLAIN.name),
        _times("a plain answer, scores cached", 3.0, results, CACHED, PLAIN.name),
        _times("a stream of 22 events", 1.9, results, FRESH, STREAM.name),
        _times("the same, usage taken out", 3.0, results, FRESH, STREAM_CUT.name),
        Promise(what="added p50, one connection", limit=0.3, measured=_added_ms(results), unit="ms"),
        Promise(what="resident memory after all of it", limit=90.0, measured=_rss_mb(results), unit="MB"),
    ]


def _times(what: str, limit: float, results: Results, contestant: str, scenario: str) -> Promise:
    found = results.find(contestant, scenario)
    return Promise(what=what, limit=limit, measured=found and round(found.times_nginx.median, 2), unit="x nginx")


def _added_ms(results: Results) -> float | None:
    found = results.find_latency(FRESH, 1)
    return found and round(found.added_p50_us.median / 1000, 3)


def _rss_mb(results: Results) -> float | None:
    """Of the larger of both configurations."""
    return max((results.rss_mb[name] for name in (FRESH, CACHED) if name in results.rss_mb), default=None)
