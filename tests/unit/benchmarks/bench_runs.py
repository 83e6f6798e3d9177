"""Readings and results made by hand."""

from collections.abc import Sequence

from plane.load import Served
from plane.measuring import Reading
from plane.nginx import NAME as NGINX
from plane.ours import CACHED, FRESH
from plane.results import Latency, Results, Spread, add_latency, compare
from plane.rounds import PLAIN, STREAM


def make_reading(cpu_us: float = 20.0, *, p50_us: float = 100.0, agrees: bool = True) -> Reading:
    served = Served(n_answers=1_000, n_bad=0, p50_us=p50_us, p99_us=10 * p50_us)
    return Reading(n_answers=1_000, cpu_us=cpu_us, upstream_cpu_us=12.0, served=served, agrees=agrees)


def pairs_of(figures: Sequence[tuple[float, float]]) -> list[tuple[Reading, Reading]]:
    return [(make_reading(first), make_reading(second)) for first, second in figures]


def make_results(*, agrees: bool = True) -> Results:
    about = {
        "date": "2026-11-25T10:00+00:00",
        "commit": "abc1234",
        "processor": "Fast One",
        "cores": 2,
        "kernel": "6.1",
        "python": "3.11.7",
        "uvloop": "0.23",
        "httptools": "0.9",
        "wrk": "4.1.0",
        "rounds": 1,
        "seconds": 1.0,
        "prompts": 10_000,
        "tokens": "63 to 405",
        "load_average_before": 0.1,
    }
    plain = [(make_reading(20.0), make_reading(80.0, agrees=agrees))]
    return Results(
        about=about,
        versions={NGINX: "1.22.1", FRESH: "0.1.0", CACHED: "0.1.0"},
        comparisons=[
            compare(FRESH, PLAIN.name, plain),
            compare(CACHED, PLAIN.name, pairs_of([(20.0, 70.0)])),
            compare(FRESH, STREAM.name, pairs_of([(100.0, 180.0)])),
        ],
        latencies=[make_latency()],
        rss_mb={NGINX: 10.0, FRESH: 80.0, CACHED: 85.0},
        upstream_cpu_us=12.0,
        unavailable={"Portkey gateway": "npm is not installed"},
    )


def make_latency() -> Latency:
    return add_latency(FRESH, 1, [(make_reading(p50_us=100.0), make_reading(p50_us=350.0))])


def spread(median: float) -> Spread:
    return Spread(median=median, low=median, high=median)
