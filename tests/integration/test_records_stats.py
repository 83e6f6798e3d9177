import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
import typer
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from suffice.cli.stats import stats
from suffice.errors import RecordingError
from suffice.recording.schema import open_database
from suffice.recording.store import MAX_CLUSTERS, Store
from suffice.recording.summary import Summary, summarise
from suffice.recording.writer import Retention, Writer
from suffice.testing import write_settings
from suffice.testing.outcomes import LARGE, SMALL, make_outcome
from suffice.vocabulary import CacheUse, Mode, Outcome, Proposal, Reason, Usd

START = make_outcome(0).received_at


def write(path: Path, outcomes: Sequence[Outcome], *, n_dropped: int = 0) -> None:
    writer = Writer(path, Retention(max_days=10**6, max_requests=10**9), clock=lambda: START)
    writer.write(outcomes, n_dropped=n_dropped)
    writer.close()


def read(path: Path, *, since: float = 0.0) -> Summary:
    with closing(Store(path, since=since)) as store:
        return summarise(store)


def run(*args: str) -> Result:
    app = typer.Typer()
    app.command()(stats)
    return CliRunner().invoke(app, list(args), env={"COLUMNS": "160"})


def make_observed(n: int) -> Outcome:
    outcome = make_outcome(n, tier=LARGE)
    assert outcome.decision is not None
    proposal = Proposal(tier=SMALL if n % 2 else LARGE, reason=Reason.SUFFICES if n % 2 else Reason.HARD)
    outcome.decision = replace(outcome.decision, reason=Reason.OBSERVE, proposal=proposal)
    outcome.mode = Mode.OBSERVE
    return outcome


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """20 requests of 10 sessions: 14 on small, 4 escalated, 2 straight to large."""
    outcomes = [make_outcome(n, escalated=n < 4, session=f"s-{n % 10}") for n in range(18)]
    outcomes += [make_outcome(n, tier=LARGE, session=f"s-{n % 10}") for n in (18, 19)]
    outcomes[5].cache = CacheUse.HIT
    write(tmp_path / "records.sqlite", outcomes, n_dropped=3)
    return tmp_path / "records.sqlite"


def test_the_split_counts_the_tier_that_answered(path: Path) -> None:
    summary = read(path)

    assert {tier: (use.n, use.share) for tier, use in summary.tiers.items()} == {"small": (14, 0.7), "large": (6, 0.3)}
    assert summary.totals.n_sessions == 10
    assert summary.n_dropped == 3


def test_the_saving_counts_rejected_drafts(path: Path) -> None:
    saving = read(path).saving

    assert saving is not None
    assert saving.value == pytest.approx(1 - (14 * 0.0001 + 4 * 0.001 + 2 * 0.0009) / (20 * 0.0009))
    assert saving.low is not None
    assert saving.high is not None
    assert saving.low < saving.value < saving.high
    assert saving.n == 20


def test_shares_are_of_the_routed_requests(path: Path) -> None:
    summary = read(path)

    assert summary.escalation_rate is not None
    assert summary.large_share is not None
    assert summary.cache_hit_rate is not None
    assert (summary.escalation_rate.value, summary.large_share.value) == (0.2, 0.3)
    assert summary.cache_hit_rate.value == pytest.approx(1 / 20)
    assert summary.warnings == []


def test_a_large_share_above_thirty_percent_asks_whether_the_threshold_is_too_low(path: Path) -> None:
    write(path, [make_outcome(100, tier=LARGE, session="s-1")])

    warnings = read(path).warnings

    assert len(warnings) == 1
    assert "33% of the routed requests end on the top tier" in warnings[0]
    assert "threshold too low?" in warnings[0]


def test_requests_that_named_a_tier_are_not_routed(path: Path) -> None:
    named = make_outcome(100, tier=LARGE)
    assert named.decision is not None
    named.decision = replace(named.decision, reason=Reason.EXPLICIT)
    write(path, [named])

    summary = read(path)

    assert (summary.totals.n_decided, summary.totals.n_routed) == (21, 20)
    assert summary.large_share is not None
    assert summary.large_share.value == 0.3


def test_percentiles_are_of_whole_answers_only(tmp_path: Path) -> None:
    outcomes = [make_outcome(n) for n in range(103)]
    for n, outcome in enumerate(outcomes):
        outcome.duration_s, outcome.first_byte_s = float(n), None if n % 2 else n / 10
    outcomes[101].cancelled = True
    outcomes[102].error = "upstream_broken"
    write(tmp_path / "r.sqlite", outcomes)

    tier = read(tmp_path / "r.sqlite").tiers["small"]

    assert tier.n == 103
    assert tier.duration is not None
    assert tier.first_byte is not None
    assert (tier.duration.n, tier.duration.p50_s, tier.duration.p95_s, tier.duration.p99_s) == (101, 50.0, 95.0, 99.0)
    assert (tier.first_byte.n, tier.first_byte.p50_s) == (51, 5.0)


def test_observed_requests_show_what_would_have_been(tmp_path: Path) -> None:
    write(tmp_path / "r.sqlite", [make_observed(n) for n in range(9)])

    summary = read(tmp_path / "r.sqlite")

    assert {tier: use.n for tier, use in summary.proposals.items()} == {"large": 5, "small": 4}
    assert summary.proposals["small"].always_large_usd == pytest.approx(4 * 0.0009)
    assert summary.large_share is None
    assert summary.warnings == []


def test_errors_and_requests_that_got_no_tier_are_counted_apart(path: Path) -> None:
    refused = Outcome(request_id="x", received_at=START, endpoint="/v1/chat/completions", status=400, error="bad")
    write(path, [refused])

    summary = read(path)

    assert (summary.totals.n_requests, summary.totals.n_decided) == (21, 20)
    assert summary.errors == {"bad": 1}


def test_only_requests_since_a_moment_count(path: Path) -> None:
    assert read(path, since=START + 15).totals.n_requests == 5


def test_many_sessions_are_thrown_together_without_losing_a_sum(tmp_path: Path) -> None:
    outcomes = [make_outcome(n, session=f"s-{n}", escalated=n % 4 == 0) for n in range(MAX_CLUSTERS + 500)]
    write(tmp_path / "r.sqlite", outcomes)

    with closing(Store(tmp_path / "r.sqlite")) as store:
        clusters = store.clusters(store.totals().n_sessions)

    assert len(clusters.n_decided) < MAX_CLUSTERS
    assert clusters.n_decided.sum() == MAX_CLUSTERS + 500
    assert clusters.n_escalated.sum() == (MAX_CLUSTERS + 500) / 4


def test_a_summary_is_of_one_moment_while_the_gateway_writes(path: Path) -> None:
    with closing(Store(path)) as store:
        before = store.totals().n_requests
        write(path, [make_outcome(100)])

        assert store.totals().n_requests == before


def test_reading_never_makes_or_changes_a_file(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="the gateway makes the file"):
        Store(tmp_path / "missing.sqlite")

    assert list(tmp_path.iterdir()) == []


def test_a_file_the_gateway_never_finished_making_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "r.sqlite").touch()

    with pytest.raises(RecordingError, match="start the gateway on it once"):
        Store(tmp_path / "r.sqlite")


def test_the_tables_show_the_split_the_saving_and_the_drops(path: Path) -> None:
    result = run("--db", str(path))

    assert result.exit_code == 0
    for words in ("Who answered", "70.0%", "saving", "60.0%", "escalation rate", "20.0%", "known to be unrecorded"):
        assert words in result.output


def test_the_records_are_those_the_configuration_names(path: Path) -> None:
    config = write_settings(path.parent, small=["http://127.0.0.1:1"], large=["http://127.0.0.1:2"])

    result = run("--config", str(config))

    assert result.exit_code == 0
    assert "20 requests" in result.output


def test_a_configuration_that_is_missing_ends_with_its_mistakes(tmp_path: Path) -> None:
    result = run("--config", str(tmp_path / "suffice.yaml"))

    assert result.exit_code == 1
    assert "suffice.yaml" in result.stderr


def test_json_holds_every_figure_with_its_interval(path: Path) -> None:
    document = json.loads(run("--db", str(path), "--json", "--since", "2026-11-01").stdout)

    assert document["since"] == 1_793_491_200.0
    assert document["totals"]["n_requests"] == 20
    assert document["saving"]["low"] < document["saving"]["value"] < document["saving"]["high"]
    assert set(document["tiers"]["small"]["duration"]) == {"n", "p50_s", "p95_s", "p99_s"}


def test_the_tables_show_proposals_errors_and_warnings(tmp_path: Path) -> None:
    outcomes = [make_observed(0), make_outcome(1, tier=LARGE)]
    outcomes[1].error = "upstream_broken"
    write(tmp_path / "r.sqlite", outcomes)

    result = run("--db", str(tmp_path / "r.sqlite"))

    assert result.exit_code == 0
    for words in (
        "What `route` mode would have asked first",
        "error upstream_broken: 1 requests",
        "threshold too low?",
    ):
        assert words in result.output


def test_an_empty_store_says_that_nothing_is_recorded(tmp_path: Path) -> None:
    open_database(tmp_path / "r.sqlite", busy_s=1.0).close()

    result = run("--db", str(tmp_path / "r.sqlite"))

    assert result.exit_code == 0
    assert "No requests are recorded yet" in result.output


def test_an_empty_store_as_json_is_still_a_document(tmp_path: Path) -> None:
    open_database(tmp_path / "r.sqlite", busy_s=1.0).close()

    document = json.loads(run("--db", str(tmp_path / "r.sqlite"), "--json").stdout)

    assert (document["totals"]["n_requests"], document["saving"]) == (0, None)


@pytest.mark.parametrize("content", [None, "no database"])
def test_a_missing_or_odd_file_ends_with_one_line_on_stderr(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "r.sqlite"
    if content is not None:
        path.write_text(content * 100)

    result = run("--db", str(path))

    assert result.exit_code == 1
    assert result.stdout == ""
    assert str(path) in result.stderr


def test_a_period_that_is_none_is_refused_with_examples(path: Path) -> None:
    result = run("--db", str(path), "--since", "yesterday")

    assert result.exit_code == 2
    assert "7d" in result.stderr


def test_costs_of_zero_give_no_saving(tmp_path: Path) -> None:
    outcome = make_outcome()
    outcome.always_large_usd = outcome.attempts[0].cost_usd = Usd(0.0)
    write(tmp_path / "r.sqlite", [outcome])

    assert read(tmp_path / "r.sqlite").saving is None


def test_a_file_is_read_by_its_column_names_only(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE requests ADD COLUMN later TEXT")

    assert read(path).totals.n_requests == 20
