from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from suffice.telemetry import Snapshot, Telemetry
from suffice.telemetry.counts import Counts
from suffice.testing.outcomes import TIERS, make_outcome

numbers = st.floats(min_value=-10, max_value=1e9) | st.sampled_from([0.0, 1.0, 2.5, 10.0])


def make_telemetry(*, n: int = 0) -> Telemetry:
    telemetry = Telemetry(TIERS, keys=["team-a"])
    for index in range(n):
        telemetry.observe(make_outcome(index, escalated=index % 3 == 0))
    return telemetry


def page_of(counts: Counts) -> str:
    registry = CollectorRegistry()
    registry.register(counts)
    return generate_latest(registry).decode()


def counted(page: bytes) -> list[str]:
    """What is counted on a page; what is watched is another matter."""
    return [line for line in page.decode().splitlines() if not line.startswith(("process_", "#"))]


@given(values=st.lists(numbers, max_size=30))
def test_a_histogram_shows_what_the_client_of_prometheus_shows(values: Sequence[float]) -> None:
    bounds = (0.0, 1.0, 2.5, 1e7)
    registry = CollectorRegistry()
    theirs = Histogram("h", "Text.", ["tier"], buckets=bounds, registry=registry)
    counts = Counts()
    ours = counts.histogram("h", "Text.", bounds, "tier")

    for value in values:
        theirs.labels("small").observe(value)
        ours["small",].observe(value)

    expected = [line for line in generate_latest(registry).decode().splitlines() if "h_created" not in line]
    assert page_of(counts).splitlines() == expected


def test_a_counter_is_shown_from_its_first_step_even_if_that_is_nothing() -> None:
    counts = Counts()
    costs = counts.counter("cost", "Text.", "tier")

    costs["small",] += 0.0

    assert 'cost_total{tier="small"} 0.0' in page_of(counts)


def test_what_workers_counted_adds_up_to_what_one_would_have_counted() -> None:
    first, second, alone = make_telemetry(n=5), make_telemetry(), make_telemetry(n=5)
    for index in range(7):
        second.observe(make_outcome(index))
        alone.observe(make_outcome(index))

    sent = msgspec.json.encode(second.snapshot())
    page = first.render([msgspec.json.decode(sent, type=Snapshot)])

    assert rounded(counted(page)) == rounded(counted(alone.render()))


def rounded(lines: Sequence[str]) -> list[tuple[str, object]]:
    parted = (line.rpartition(" ") for line in lines)
    return sorted((name, pytest.approx(float(number))) for name, _, number in parted)


def test_the_numbers_of_others_do_not_stay() -> None:
    telemetry, other = make_telemetry(n=2), make_telemetry(n=3)
    alone = telemetry.render()

    telemetry.render([other.snapshot(), other.snapshot()])

    assert counted(telemetry.render()) == counted(alone)


def test_a_snapshot_stays_as_it_was() -> None:
    telemetry = make_telemetry(n=2)
    snapshot = telemetry.snapshot()
    before = msgspec.json.encode(snapshot)

    telemetry.observe(make_outcome(9))

    assert msgspec.json.encode(snapshot) == before


def test_metrics_that_another_version_has_besides_are_left_out() -> None:
    telemetry = make_telemetry(n=1)
    foreign = Snapshot(counters={"of_tomorrow": [(("x",), 1.0)]}, histograms={"too": [(("x",), [1], 1.0)]})

    page = telemetry.render([foreign])

    assert counted(page) == counted(telemetry.render())
