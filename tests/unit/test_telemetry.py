import json
import logging
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from suffice.recording import RecorderCounts
from suffice.telemetry import CONTENT_TYPE, BundleState, Telemetry
from suffice.testing.outcomes import LARGE, SMALL, TIERS, make_attempt, make_outcome
from suffice.vocabulary import (
    CacheUse,
    HealthState,
    Outcome,
    Priority,
    ReplicaState,
    TierName,
    TierState,
    Usage,
    Usd,
)

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"

Samples = dict[str, list[tuple[dict[str, str], float]]]


def make_telemetry() -> Telemetry:
    return Telemetry(TIERS, keys=["team-a"], models=["llama-8b-lora"])


def scrape(telemetry: Telemetry) -> Samples:
    samples: Samples = {}
    for family in text_string_to_metric_families(telemetry.render().decode()):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
    return samples


def observed(*outcomes: Outcome) -> Samples:
    telemetry = make_telemetry()
    for outcome in outcomes:
        telemetry.observe(outcome)
    return scrape(telemetry)


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum of a metric's samples with these labels among theirs."""
    return sum(number for found, number in samples.get(name, []) if labels.items() <= found.items())


def test_a_request_is_counted_by_tier_reason_mode_and_status() -> None:
    samples = observed(make_outcome())

    assert samples["suffice_requests_total"] == [
        ({"tier": "small", "reason": "suffices", "mode": "route", "status": "200"}, 1.0)
    ]


def test_an_escalation_is_counted_with_both_tiers_and_why() -> None:
    samples = observed(make_outcome(0, escalated=True), make_outcome(1))

    assert samples["suffice_escalations_total"] == [
        ({"from_tier": "small", "to_tier": "large", "reason": "empty"}, 1.0)
    ]
    assert value(samples, "suffice_requests_total", tier="large") == 1


def test_attempts_are_counted_by_tier_role_and_outcome() -> None:
    samples = observed(make_outcome(escalated=True))

    assert value(samples, "suffice_attempts_total", tier="small", role="draft", outcome="empty") == 1
    assert value(samples, "suffice_attempts_total", tier="large", role="serve", outcome="top") == 1


def test_a_failed_attempt_is_counted_with_its_code() -> None:
    outcome = make_outcome()
    outcome.attempts[0].error = "upstream_broken"

    samples = observed(outcome)

    assert value(samples, "suffice_attempts_total", outcome="failed") == 1
    assert value(samples, "suffice_attempt_errors_total", tier="small", code="upstream_broken") == 1
    assert value(samples, "gen_ai_client_operation_duration_seconds_count", error_type="upstream_broken") == 1


def test_costs_are_by_tier_and_key_and_stand_beside_always_large() -> None:
    samples = observed(make_outcome(escalated=True))

    assert value(samples, "suffice_cost_usd_total", tier="small", key="team-a") == pytest.approx(0.0001)
    assert value(samples, "suffice_cost_usd_total", tier="large", key="team-a") == pytest.approx(0.0009)
    assert value(samples, "suffice_always_large_usd_total", key="team-a") == pytest.approx(0.0009)


def test_tokens_are_in_the_metric_that_opentelemetry_names() -> None:
    samples = observed(make_outcome(escalated=True))

    call = {"gen_ai_operation_name": "chat", "gen_ai_request_model": "llama-70b", "gen_ai_provider_name": "openai"}
    assert value(samples, "gen_ai_client_token_usage_sum", gen_ai_token_type="input", **call) == 800
    assert value(samples, "gen_ai_client_token_usage_sum", gen_ai_token_type="output", **call) == 200
    assert value(samples, "suffice_cached_tokens_total") == 1024


def test_the_first_token_is_timed_from_the_call_not_from_the_request() -> None:
    outcome = make_outcome()
    outcome.attempts = [replace(make_attempt(), started_s=2.0, first_token_s=2.25)]

    samples = observed(outcome)

    assert value(samples, "gen_ai_server_time_to_first_token_seconds_sum") == 0.25


def test_times_of_a_request_are_histograms_of_its_tier() -> None:
    samples = observed(make_outcome())

    assert value(samples, "suffice_routing_seconds_sum", use="miss") == 0.0008
    assert value(samples, "suffice_first_byte_seconds_sum", tier="small") == 0.06
    assert value(samples, "suffice_request_duration_seconds_sum", tier="small") == 0.42
    assert value(samples, "suffice_complexity_bucket", first_tier="small", le="4.0") == 1
    assert value(samples, "suffice_complexity_bucket", first_tier="small", le="3.0") == 0


def test_cache_hits_and_misses_are_counted() -> None:
    hit = make_outcome(1)
    hit.cache = CacheUse.HIT

    samples = observed(make_outcome(0), hit, hit)

    assert value(samples, "suffice_decision_cache_total", use="hit") == 2
    assert value(samples, "suffice_decision_cache_total", use="miss") == 1


def test_a_request_that_never_got_a_tier_is_counted_without_one() -> None:
    refused = Outcome(request_id="r", received_at=1.0, endpoint="/v1/chat/completions", status=400)
    refused.error = "invalid_request"

    samples = observed(refused)

    assert value(samples, "suffice_requests_total", tier="none", reason="none", status="400") == 1
    assert value(samples, "suffice_request_errors_total", code="invalid_request") == 1
    assert value(samples, "suffice_routing_seconds_count") == 0


def test_a_client_that_hung_up_before_the_answer_has_no_status() -> None:
    outcome = make_outcome()
    outcome.cancelled, outcome.status, outcome.first_byte_s = True, None, None

    samples = observed(outcome)

    assert value(samples, "suffice_requests_cancelled_total", tier="small") == 1
    assert value(samples, "suffice_requests_total", status="none") == 1
    assert value(samples, "suffice_first_byte_seconds_count") == 0


def test_nothing_a_client_or_upstream_says_makes_a_new_series() -> None:
    outcome = make_outcome()
    outcome.key_id, outcome.status, outcome.error, outcome.endpoint = "key-of-nobody", 299, "code-9", "/v1/odd"
    outcome.attempts = [replace(make_attempt(), tier=TierName("t-9"), model="m-9", error="code-9")]
    outcome.session = "session-9"

    page = observed(outcome)

    labels = {text for samples in page.values() for found, _ in samples for text in found.values()}
    assert not {text for text in labels if text.endswith(("-9", "299", "nobody", "odd"))}
    assert (
        value(page, "gen_ai_client_operation_duration_seconds_count", gen_ai_request_model="other", tier="other") == 1
    )


def test_a_model_named_beforehand_keeps_its_name() -> None:
    outcome = make_outcome()
    outcome.attempts = [replace(make_attempt(), model="llama-8b-lora")]

    samples = observed(outcome)

    assert value(samples, "gen_ai_client_token_usage_count", gen_ai_request_model="llama-8b-lora") == 2


def test_odd_figures_of_an_upstream_break_nothing() -> None:
    outcome = make_outcome()
    outcome.attempts[0].usage = Usage(prompt_tokens=-1, cached_tokens=-1, completion_tokens=-1)
    outcome.attempts[0].cost_usd = outcome.always_large_usd = Usd(-1.0)

    samples = observed(outcome)

    assert value(samples, "suffice_requests_total") == 1
    assert value(samples, "suffice_cost_usd_total") == 0


def test_refusals_of_the_server_are_counted_by_known_codes() -> None:
    telemetry = make_telemetry()

    for code in ("invalid_api_key", "invalid_api_key", "code-9"):
        telemetry.count_refusal(code)

    assert scrape(telemetry)["suffice_refusals_total"] == [({"code": "invalid_api_key"}, 2.0), ({"code": "other"}, 1.0)]


def test_watched_figures_are_read_at_the_moment_of_scraping() -> None:
    telemetry = make_telemetry()
    counts = [RecorderCounts(written=5, dropped=2, failed=1, queued=3), RecorderCounts(written=9)]
    in_flight = iter([4, 2])
    telemetry.watch_recorder(lambda: counts[0])
    telemetry.watch_in_flight(lambda: next(in_flight))

    first = scrape(telemetry)
    counts.pop(0)
    second = scrape(telemetry)

    assert [value(page, "suffice_requests_in_flight") for page in (first, second)] == [4, 2]
    assert [value(page, "suffice_recorder_written_total") for page in (first, second)] == [5, 9]
    assert (value(first, "suffice_recorder_dropped_total"), value(first, "suffice_recorder_failures_total")) == (2, 1)
    assert value(first, "suffice_recorder_queue_records") == 3


def make_tier(tier: str, *replicas: ReplicaState) -> TierState:
    return TierState(
        tier=tier,
        replicas=replicas,
        n_waiting=4,
        max_waiting=8,
        n_shed={("full", Priority.LOW): 7},
        n_retries=3,
        n_retries_denied=2,
        n_hedges=1,
    )


def make_replica(name: str, health: HealthState = HealthState.HEALTHY) -> ReplicaState:
    return ReplicaState(
        replica=name,
        health=health,
        in_flight=3,
        slots=4,
        n_calls=50,
        n_ejections=2,
        latency_s=0.25 if name == "a" else None,
    )


def test_replicas_are_shown_by_tier_and_address() -> None:
    telemetry = make_telemetry()
    telemetry.watch_replicas(
        lambda: [make_tier(SMALL, make_replica("a")), make_tier(LARGE, make_replica("b", HealthState.HALF_OPEN))]
    )

    samples = scrape(telemetry)

    assert value(samples, "suffice_replica_healthy", tier="small", replica="a") == 1
    assert value(samples, "suffice_replica_healthy", tier="large", replica="b") == 0
    assert value(samples, "suffice_replica_calls_in_flight", replica="a") == 3
    assert value(samples, "suffice_replica_latency_seconds", replica="a") == 0.25
    assert value(samples, "suffice_replica_latency_seconds", replica="b") == 0.0
    assert value(samples, "suffice_replica_calls_total", replica="b") == 50
    assert value(samples, "suffice_replica_ejections_total", replica="b") == 2


def test_what_waits_is_shed_and_tried_again_is_shown_by_tier() -> None:
    telemetry = make_telemetry()
    telemetry.watch_replicas(lambda: [make_tier(SMALL)])

    samples = scrape(telemetry)

    assert value(samples, "suffice_queue_waiting", tier="small") == 4
    assert value(samples, "suffice_shed_total", tier="small", reason="full", priority="low") == 7
    assert value(samples, "suffice_retries_total", tier="small") == 3
    assert value(samples, "suffice_retries_denied_total", tier="small") == 2
    assert value(samples, "suffice_hedges_total", tier="small") == 1


def test_the_bundle_in_force_is_one_series_and_reloads_are_counted() -> None:
    telemetry, states = make_telemetry(), [BundleState(id="a", generic=True), BundleState(id="b", generic=False), None]
    telemetry.watch_bundle(lambda: states.pop(0))

    telemetry.count_reload("refused")

    assert scrape(telemetry)["suffice_bundle_info"] == [({"bundle": "a", "generic": "true"}, 1.0)]
    assert scrape(telemetry)["suffice_bundle_info"] == [({"bundle": "b", "generic": "false"}, 1.0)]
    last = scrape(telemetry)
    assert "suffice_bundle_info" not in last
    assert last["suffice_bundle_reloads_total"] == [({"outcome": "refused"}, 1.0)]


def test_two_of_them_share_nothing() -> None:
    first, second = make_telemetry(), make_telemetry()

    first.observe(make_outcome())

    assert value(scrape(second), "suffice_requests_total") == 0


def test_the_page_is_prometheus_text_without_creation_times() -> None:
    telemetry = make_telemetry()
    telemetry.observe(make_outcome(escalated=True))

    page = telemetry.render().decode()

    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")
    assert "_created" not in page


def test_the_log_line_is_json_with_what_one_looks_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "suffice.access")
    outcome = make_outcome(3, escalated=True, session="s-1")
    outcome.model_asked = "auto\nfake line"

    make_telemetry().observe(outcome)

    (record,) = caplog.records
    line = json.loads(record.getMessage())
    assert "\n" not in record.getMessage()
    assert line["request_id"] == "req-00000003"
    assert (line["tier"], line["first_tier"], line["reason"], line["complexity"]) == ("large", "small", "suffices", 3.5)
    assert (line["status"], line["escalated"], line["duration_s"]) == (200, True, 0.42)
    assert line["cost_usd"] == pytest.approx(0.001)


def test_without_a_level_for_it_no_line_is_made(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "suffice.access")

    make_telemetry().observe(make_outcome())

    assert caplog.records == []


def test_the_reference_lists_every_metric_with_its_type_labels_and_meaning() -> None:
    telemetry = make_telemetry()
    telemetry.watch_recorder(RecorderCounts)
    telemetry.watch_in_flight(lambda: 0)
    telemetry.watch_replicas(lambda: [make_tier(SMALL, make_replica("a"))])
    failed = make_outcome(escalated=True)
    failed.error, failed.cancelled = "upstream_failed", True
    failed.attempts[0].error = "upstream_failed"
    telemetry.observe(failed)
    telemetry.count_refusal("invalid_request")
    telemetry.watch_bundle(lambda: BundleState(id="abc", generic=False))
    telemetry.count_reload("swapped")

    assert sorted(documented(REFERENCE.read_text(encoding="utf-8"))) == sorted(exposed(telemetry))


def documented(page: str) -> Iterable[tuple[str, str, str, str]]:
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch(r"`(suffice|gen_ai)_\w+`", cells[0]):
            yield cells[0].strip("`"), cells[1], cells[2].replace("`", ""), cells[3]


def exposed(telemetry: Telemetry) -> Iterable[tuple[str, str, str, str]]:
    for family in text_string_to_metric_families(telemetry.render().decode()):
        if family.name.startswith("process_"):
            continue
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        name = family.name + ("_total" if family.type == "counter" else "")
        yield name, family.type, ", ".join(sorted(labels)), family.documentation
