from prometheus_client.parser import text_string_to_metric_families

from suffice.recording import RecorderCounts
from suffice.telemetry import BundleState, Telemetry, keep_counts, merge_pages, recorder_page
from suffice.testing.outcomes import TIERS, make_outcome
from suffice.vocabulary import HealthState, ReplicaState, TierName, TierState


def make_state(*, health: HealthState = HealthState.HEALTHY, latency_s: float = 0.1, n_calls: int = 5) -> TierState:
    replica = ReplicaState(
        replica="http://a",
        health=health,
        in_flight=2,
        slots=None,
        n_calls=n_calls,
        latency_s=latency_s,
        n_failures=0,
        n_failed_checks=0,
        n_ejections=1,
        trial_in_s=None,
    )
    return TierState(
        tier=TierName("small"),
        replicas=[replica],
        n_waiting=3,
        max_waiting=10,
        n_shed={},
        drain_s=0.0,
        n_retries=0,
        n_retries_denied=0,
        n_hedges=0,
        retry_tokens=1.0,
    )


def make_page(*durations_s: float, state: TierState | None = None, bundle: str = "b-1", key: str = "team-a") -> bytes:
    """A worker's page after requests of these durations."""
    telemetry = Telemetry(TIERS, keys=["team-a", "team-b"])
    for n, duration_s in enumerate(durations_s):
        outcome = make_outcome(n)
        outcome.duration_s, outcome.key_id = duration_s, key
        telemetry.observe(outcome)
    telemetry.watch_in_flight(lambda: 4)
    telemetry.watch_replicas(lambda: [state or make_state()])
    telemetry.watch_bundle(lambda: BundleState(id=bundle, generic=False))
    return telemetry.render()


def read(page: bytes) -> dict[str, float]:
    """Samples by name and labels, as they are written."""
    lines = [line for line in page.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


DURATION = 'suffice_request_duration_seconds_bucket{le="%s",tier="small"}'
REQUESTS = 'suffice_requests_total{mode="route",reason="suffices",status="200",tier="small"}'


def test_counts_and_what_is_under_way_are_sums() -> None:
    merged = read(merge_pages([make_page(0.1, 0.2), make_page(0.3), make_page()]))

    assert merged[REQUESTS] == 3
    assert merged["suffice_requests_in_flight"] == 12
    assert merged['suffice_replica_calls_in_flight{replica="http://a",tier="small"}'] == 6
    assert merged['suffice_replica_calls_total{replica="http://a",tier="small"}'] == 15
    assert merged['suffice_queue_waiting{tier="small"}'] == 9
    assert merged["process_resident_memory_bytes"] > 0


def test_histograms_stay_cumulative_and_in_the_order_of_their_bounds() -> None:
    page = merge_pages([make_page(0.015, 0.3), make_page(0.3, 5.0, 500.0)])
    merged = read(page)
    bounds = [
        sample.labels["le"]
        for family in text_string_to_metric_families(page.decode())
        if family.name == "suffice_request_duration_seconds"
        for sample in family.samples
        if sample.name.endswith("_bucket")
    ]

    counts = [merged[DURATION % bound] for bound in bounds]

    assert [float(bound) for bound in bounds] == sorted(float(bound) for bound in bounds)
    assert counts == sorted(counts)
    assert (merged[DURATION % "0.02"], merged[DURATION % "0.32"], merged[DURATION % "+Inf"]) == (1, 3, 5)
    assert merged['suffice_request_duration_seconds_count{tier="small"}'] == 5
    assert merged['suffice_request_duration_seconds_sum{tier="small"}'] == 0.015 + 0.3 + 0.3 + 5.0 + 500.0


def test_how_something_is_comes_from_the_worker_that_sees_it_worst() -> None:
    worst = make_state(health=HealthState.EJECTED, latency_s=0.7)

    merged = read(merge_pages([make_page(), make_page(state=worst), make_page()]))

    assert merged['suffice_replica_healthy{replica="http://a",tier="small"}'] == 0
    assert merged['suffice_replica_latency_seconds{replica="http://a",tier="small"}'] == 0.7
    assert merged["process_start_time_seconds"] == read(make_page())["process_start_time_seconds"]


def test_what_is_the_same_everywhere_stays_1_and_two_bundles_are_both_shown() -> None:
    merged = read(merge_pages([make_page(), make_page(bundle="b-2"), make_page()]))

    assert [value for name, value in merged.items() if name.startswith("suffice_build_info")] == [1]
    assert merged['suffice_bundle_info{bundle="b-1",generic="false"}'] == 1
    assert merged['suffice_bundle_info{bundle="b-2",generic="false"}'] == 1


def test_labels_that_only_one_worker_has_are_kept() -> None:
    merged = read(merge_pages([make_page(0.1), make_page(0.1, key="team-b")]))

    assert merged['suffice_cost_usd_total{key="team-a",tier="small"}'] == 0.0001
    assert merged['suffice_cost_usd_total{key="team-b",tier="small"}'] == 0.0001


def test_the_page_of_one_is_that_page() -> None:
    page = make_page(0.1, 5.0)

    assert read(merge_pages([page])) == read(page)
    assert page.decode().count("# TYPE") == merge_pages([page]).decode().count("# TYPE")


def test_the_recorder_of_the_process_above_is_counted_with_what_waits_in_the_workers() -> None:
    above = recorder_page(RecorderCounts(written=10, dropped=1, queued=2))
    worker = recorder_page(RecorderCounts(dropped=3, queued=4))

    merged = read(merge_pages([worker, above]))

    assert merged["suffice_recorder_written_total"] == 10
    assert merged["suffice_recorder_dropped_total"] == 4
    assert merged["suffice_recorder_queue_records"] == 6


def test_of_a_worker_that_is_no_more_only_what_rises_is_kept() -> None:
    kept = keep_counts([make_page(0.1), make_page(0.2)])

    merged = read(merge_pages([make_page(0.3), kept]))

    assert merged[REQUESTS] == 3
    assert merged['suffice_request_duration_seconds_count{tier="small"}'] == 3
    assert merged["suffice_requests_in_flight"] == 4
    assert "gauge" not in kept.decode()
    assert keep_counts([]) == b""
