import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from command_runs import Run, Runner

from suffice.estimators.bundle import TrainingSource
from suffice.lab.dataset import hash_dataset, read_dataset
from suffice.testing.bundles import write_bundle
from suffice.testing.datasets import draw_rows, write_outcomes, write_rows

N = 80
KEYS = {
    "n", "apgr", "apgr_ci", "cpt50", "cpt80", "auc", "ece", "brier", "acc_at_15", "controls", "categories", "bundle",
    "dataset", "rows", "operating_points", "warnings",
}  # fmt: skip


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle", {"prove": 2.0, "list": -2.0}, thresholds={"balanced": 5.0})
    return tmp_path / "bundle"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_outcomes(tmp_path, N)


def arguments(bundle: Path, files: Sequence[Path], *, small: str = "small", large: str = "large") -> list[str]:
    queries, outcomes = map(str, files)
    options = ["--bundle", str(bundle), "--queries", queries, "--outcomes", outcomes, "--small", small]
    return ["evaluate", *options, "--large", large, "--resamples", "50"]


def document_of(result: Run) -> dict[str, Any]:
    assert result.code == 0, result.err
    return json.loads(result.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_json_has_every_agreed_key_and_the_controls(run: Runner, bundle: Path, files: tuple[Path, Path]) -> None:
    document = document_of(run(*arguments(bundle, files), "--json"))

    assert document.keys() >= KEYS
    assert document["n"] == N
    assert document["apgr_ci"][0] <= document["apgr"] <= document["apgr_ci"][1]
    assert list(document["controls"]) == [
        "always-small", "always-large", "shuffled", "length", "category-only", "exemplars", "exemplars-report",
        "oracle",
    ]  # fmt: skip
    assert document["dataset"]["left_out"] == {}
    assert [row["category"] for row in document["categories"]] == ["lists", "proofs"]
    assert sum(row["n"] for row in document["categories"]) == N
    assert document["warnings"] == []


def test_the_category_that_the_bundle_sends_up_is_seen_to_go_up(
    run: Runner, bundle: Path, files: tuple[Path, Path]
) -> None:
    document = document_of(run(*arguments(bundle, files), "--json"))

    lists, proofs = document["categories"]
    assert (lists["share_to_large"], proofs["share_to_large"]) == (0.0, 1.0)
    assert (lists["score"], proofs["score"]) == (lists["small"], proofs["large"])
    point = document["operating_points"]["balanced"]
    assert point["share_to_large"] == pytest.approx(proofs["n"] / N)
    assert (point["threshold"], point["calibrated"]) == (5.0, True)


def test_people_get_tables_in_which_every_figure_has_an_interval(
    run: Runner, bundle: Path, files: tuple[Path, Path]
) -> None:
    result = run(*arguments(bundle, files))

    assert result.code == 0
    assert f"small → large: {N} queries in {N} groups" in result.out
    rows = {line.split("│")[1].strip(): line for line in result.out.splitlines() if line.startswith("│")}
    assert rows["router"].count("[") == 4
    assert rows["shuffled"].count("[") == 5
    assert list(rows)[:3] == ["router", "always-small", "always-large"]


def test_a_bundle_that_is_not_calibrated_is_shown_at_the_threshold_that_the_gateway_takes(
    run: Runner, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    write_bundle(tmp_path / "raw", {"prove": 2.0})

    document = document_of(run(*arguments(tmp_path / "raw", files), "--json"))

    point = document["operating_points"]["balanced"]
    assert (point["threshold"], point["calibrated"]) == (4.0, False)


def test_one_category_has_no_table_and_no_control_of_categories(
    run: Runner, bundle: Path, files: tuple[Path, Path]
) -> None:
    document = document_of(run(*arguments(bundle, files), "--category", "proofs", "--json"))

    assert document["categories"] is None
    assert "category-only" not in document["controls"]
    assert document["dataset"]["left_out"] == {"of another category": N - document["n"]}


def test_data_that_trained_the_bundle_are_warned_of_loudly(
    run: Runner, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    digest = hash_dataset(read_dataset(*files).dataset)
    source = TrainingSource(name="own", sha256=digest, n_queries=N, licence="own")
    write_bundle(tmp_path / "own", {"prove": 2.0}, sources=(source,))

    result = run(*arguments(tmp_path / "own", files), "--json")

    assert "was trained on these very data (own, 80 queries)" in result.err
    assert len(document_of(result)["warnings"]) == 1


def test_a_pair_that_the_bundle_does_not_know_has_no_p_ok(
    run: Runner, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    write_bundle(tmp_path / "other", {"prove": 2.0}, models=("tiny", "huge"))

    result = run(*arguments(tmp_path / "other", files), "--json")

    document = document_of(result)
    assert (document["ece"], document["brier"], document["auc_of"]) == (None, None, "complexity")
    assert "the bundle knows tiny, huge, but not small" in result.err


def test_eleven_points_are_told(run: Runner, bundle: Path, files: tuple[Path, Path]) -> None:
    document = document_of(run(*arguments(bundle, files), "--eleven-points", "--json"))

    assert document["thresholds"] == 11


def test_conversations_are_treated_as_the_configuration_says(
    run: Runner, bundle: Path, file: str, files: tuple[Path, Path]
) -> None:
    assert run(*arguments(bundle, files), "--config", file, "--json").code == 0
    assert run(*arguments(bundle, files), "--config", "nowhere.yaml", "--json").code == 2


def test_bad_rows_are_warned_of_and_the_rest_goes_on(run: Runner, bundle: Path, tmp_path: Path) -> None:
    queries, outcomes = draw_rows(N)
    outcomes[3]["score"] = float("nan")
    files = write_rows(tmp_path / "q", [*queries, queries[0]]), write_rows(tmp_path / "o", outcomes)

    lenient = run(*arguments(bundle, files), "--json")
    strict = run(*arguments(bundle, files), "--strict")

    document = document_of(lenient)
    assert document["n"] == N - 1
    assert "q, line 81: query_id = 'q0': stands already in line 1" in lenient.err
    assert "o, line 4: score = nan: must be a number from 0 to 1" in lenient.err
    assert [row["bad"] for row in document["rows"]] == [1, 1]
    assert strict.code == 2
    assert "1 of 81 rows of q and 1 of 160 rows of o cannot be used" in strict.err


def test_the_report_is_one_file(run: Runner, bundle: Path, tmp_path: Path, files: tuple[Path, Path]) -> None:
    result = run(*arguments(bundle, files), "--html", str(tmp_path / "report.html"))

    assert result.code == 0
    assert f"report written to {tmp_path / 'report.html'}" in result.out
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert not list(tmp_path.glob(".report*"))


def test_a_report_that_cannot_be_written_is_said(
    run: Runner, bundle: Path, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    result = run(*arguments(bundle, files), "--html", str(tmp_path / "nowhere" / "report.html"))

    assert result.code == 2
    assert "cannot be written" in result.err
