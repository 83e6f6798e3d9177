import msgspec
import pytest
from bench_runs import make_latency, make_reading, make_results, pairs_of

from plane.load import Served
from plane.measuring import is_consistent
from plane.ours import CACHED, FRESH
from plane.promises import check
from plane.results import Results, Spread, compare
from plane.rounds import PLAIN, STREAM_CUT


def test_the_ratio_is_made_within_each_round_and_its_median_taken() -> None:
    found = compare(FRESH, PLAIN.name, pairs_of([(10.0, 40.0), (40.0, 120.0), (20.0, 100.0)]))

    assert found.times_nginx == Spread(median=4.0, low=3.0, high=5.0)
    # Not the ratio of the medians, which is 100 / 20.
    assert (found.cpu_us.median, found.nginx_cpu_us.median) == (100.0, 20.0)


def test_one_reading_that_does_not_agree_marks_the_whole_comparison() -> None:
    pairs = [(make_reading(), make_reading()), (make_reading(agrees=False), make_reading())]

    assert not compare(FRESH, PLAIN.name, pairs).agrees


def test_added_latency_is_what_the_upstream_alone_does_not_take() -> None:
    latency = make_latency()

    assert (latency.added_p50_us.median, latency.added_p99_us.median) == (250.0, 2_500.0)


@pytest.mark.parametrize(
    ("n_counted", "n_seen", "n_bad", "agrees"),
    [(100, 100, 0, True), (116, 100, 0, True), (117, 100, 0, False), (99, 100, 0, False), (100, 100, 1, False)],
)
def test_client_and_upstream_may_differ_by_what_was_under_way(
    n_counted: int, n_seen: int, n_bad: int, *, agrees: bool
) -> None:
    served = Served(n_answers=n_seen, n_bad=n_bad, p50_us=1.0, p99_us=1.0)

    assert is_consistent(n_counted, served, n_connections=16) is agrees


def test_a_promise_holds_up_to_its_limit_and_not_where_nothing_was_measured() -> None:
    results = make_results()

    fresh, cached, stream, cut, latency, memory = check(results)

    assert (fresh.measured, fresh.holds) == (4.0, True)
    assert (cached.measured, cached.holds) == (3.5, False)
    assert (stream.measured, stream.holds) == (1.8, True)
    assert results.find(FRESH, STREAM_CUT.name) is None
    assert (cut.measured, cut.holds) == (None, False)
    assert (latency.measured, latency.holds) == (0.25, True)
    # Of the larger of both.
    assert (memory.measured, results.rss_mb[CACHED]) == (85.0, 85.0)


def test_results_survive_json() -> None:
    results = make_results()

    assert msgspec.json.decode(msgspec.json.encode(results), type=Results) == results
