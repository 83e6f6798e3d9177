from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_runs import Runner
from train_runs import Change, N, Rows, arguments, document_of, leave, plan_small, spoil_two, train_changed

from suffice.estimators.bundle import load
from suffice.estimators.lexical import Layout, build
from suffice.lab.dataset import hash_dataset, read_dataset
from suffice.testing import bundles
from suffice.testing.datasets import draw_rows, write_outcomes, write_rows


@pytest.fixture(autouse=True)
def small_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suffice.cli.train.TrainPlan", plan_small)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_outcomes(tmp_path / "own", N)


def add_middle(n: int) -> Change:
    def change(queries: Rows, outcomes: Rows) -> None:
        for index, row in enumerate(queries[:n]):
            outcomes.append({"query_id": row["query_id"], "model": "middle", "score": float(index % 4 > 0)})

    return change


def test_a_bundle_is_trained_that_rates_as_the_outcomes_say(
    run: Runner, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    document = document_of(run(*arguments(files, tmp_path / "bundle", "--json")))

    bundle = load(tmp_path / "bundle")
    router = build(bundle)
    assert bundle.id == document["bundle"]
    assert router.rate("prove primes, knots and tides").complexity > router.rate("list primes, knots").complexity
    assert list(bundle.manifest.models) == ["small", "large"]
    assert not bundle.manifest.generic
    (source,) = bundle.manifest.sources
    assert (source.name, source.n_queries, source.licence) == ("queries.jsonl", N, "own")
    assert source.sha256 == hash_dataset(read_dataset(*files).dataset)


def test_the_document_says_what_was_tried_and_what_it_is_worth(
    run: Runner, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    document = document_of(run(*arguments(files, tmp_path / "bundle", "--json")))

    assert document.keys() == {
        "bundle", "models", "left_out", "chosen", "candidates", "trust_in_warm_start", "thresholds", "cross_validated",
        "curve", "rows",
    }  # fmt: skip
    assert document["models"] == ["small", "large"]
    assert document["left_out"] == {}
    assert document["trust_in_warm_start"] is None
    assert document["curve"] == []
    assert [report["bad"] for report in document["rows"]] == [0, 0]
    values = [each["apgr"] for each in document["candidates"]]
    assert values == sorted(values, reverse=True)
    assert document["chosen"][0] == document["candidates"][0]["candidate"]
    assert document["thresholds"] == dict(load(tmp_path / "bundle").manifest.thresholds)
    figures = document["cross_validated"]
    assert {"n", "apgr", "apgr_ci", "cpt50", "cpt80", "auc", "ece", "acc_at_15", "controls"} <= figures.keys()
    assert {"shuffled", "length", "category-only", "oracle"} <= figures["controls"].keys()
    assert load(tmp_path / "bundle").manifest.metrics["cv_apgr"] == pytest.approx(figures["apgr"])


def test_people_are_shown_the_candidates_and_the_controls(
    run: Runner, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    result = run(*arguments(files, tmp_path / "bundle"))

    assert result.code == 0
    assert f"for small → large: {N} queries in {N} groups" in result.out
    assert "Candidates, the best first" in result.out
    assert "shuffled" in result.out
    assert f"written to {tmp_path / 'bundle'}" in result.out


def test_equal_seeds_write_equal_files(run: Runner, tmp_path: Path, files: tuple[Path, Path]) -> None:
    for name in ("first", "second"):
        document_of(run(*arguments(files, tmp_path / name, "--seed", "3", "--json")))

    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_licence_and_purpose_stand_in_the_manifest(run: Runner, tmp_path: Path, files: tuple[Path, Path]) -> None:
    document_of(run(*arguments(files, tmp_path / "bundle", "--licence", "MIT", "--generic", "--json")))

    manifest = load(tmp_path / "bundle").manifest
    assert manifest.generic
    assert manifest.sources[0].licence == "MIT"


def test_a_bundle_that_is_there_is_replaced(run: Runner, tmp_path: Path, files: tuple[Path, Path]) -> None:
    bundles.write_bundle(tmp_path / "bundle", {"prove": 1.0})

    document = document_of(run(*arguments(files, tmp_path / "bundle", "--json")))

    assert load(tmp_path / "bundle").id == document["bundle"]


def test_tiers_in_between_have_a_probability_of_their_own(run: Runner, tmp_path: Path) -> None:
    document = document_of(train_changed(run, tmp_path, add_middle(50), "--middle", "middle", "--json"))

    assert document["models"] == ["small", "middle", "large"]
    assert document["left_out"] == {"a middle model has no scored answer": N - 50}
    assert len(build(load(tmp_path / "bundle")).rate("prove it").p_ok) == 3


def test_queries_that_were_not_answered_are_counted(run: Runner, tmp_path: Path) -> None:
    def drop_three(_: Rows, outcomes: Rows) -> None:
        del outcomes[1:6:2]

    result = train_changed(run, tmp_path, drop_three)

    assert result.code == 0
    assert "left out: 3 large did not answer" in result.out


def test_bad_rows_are_told_and_the_rest_is_trained_on(run: Runner, tmp_path: Path) -> None:
    result = train_changed(run, tmp_path, spoil_two, "--json")

    document = document_of(result)
    assert "2 of 120 rows of o.jsonl cannot be used" in result.err
    assert "line 1: score = nan" in result.err
    assert [report["bad"] for report in document["rows"]] == [0, 2]
    assert document["cross_validated"]["n"] == N - 2


def test_a_large_model_that_gains_nothing_is_told_without_an_apgr(run: Runner, tmp_path: Path) -> None:
    def turn(_: Rows, outcomes: Rows) -> None:
        for row in outcomes:
            row["model"] = {"small": "large", "large": "small"}[row["model"]]

    document = document_of(train_changed(run, tmp_path, turn, "--json"))
    result = train_changed(run, tmp_path, turn)

    assert {each["apgr"] for each in document["candidates"]} == {None}
    assert document["cross_validated"]["apgr"] is None
    assert "minus squared error" in result.out
    assert "no apgr" in result.out


def test_the_learning_curve_is_shown_and_written(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suffice.cli.train.SIZES", (20,))

    document = document_of(train_changed(run, tmp_path, leave, "--curve", "--json"))
    result = train_changed(run, tmp_path, leave, "--curve")

    first, last = document["curve"]
    assert first.keys() == {"n", "n_test", "warm", "apgr"}
    assert (first["n"], len(first["apgr"]), first["warm"]) == (20, 5, False)
    assert last["n"] + last["n_test"] == N
    assert f"Learning curve, on {last['n_test']} other queries" in result.out


def test_a_curve_without_a_figure_is_shown_all_the_same(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suffice.cli.train.SIZES", (3,))

    def lose(_: Rows, outcomes: Rows) -> None:
        for index, row in enumerate(outcomes):
            row["score"] = float(row["model"] == "small" and index % 6 > 0)

    document = document_of(train_changed(run, tmp_path, lose, "--curve", "--json"))
    result = train_changed(run, tmp_path, lose, "--curve")

    assert [point["apgr"] for point in document["curve"]] == [[], [None]]
    assert "nan" not in result.out


@pytest.mark.parametrize(("gain", "is_used"), [(2.0, True), (-2.0, False)])
def test_a_warm_start_is_used_as_far_as_outcomes_support_it(
    run: Runner, tmp_path: Path, gain: float, *, is_used: bool
) -> None:
    (tmp_path / "start").mkdir()
    bundles.write_bundle(tmp_path / "start" / "b", {"prove": gain, "list": -gain})

    result = train_changed(run, tmp_path, leave, "--warm-start", str(tmp_path / "start" / "b"), "--json")

    assert (document_of(result)["trust_in_warm_start"] > 0.0) == is_used
    assert ("do not support what" in result.err) != is_used


def test_words_alone_may_be_looked_at_and_a_warm_start_keeps_to_it(run: Runner, tmp_path: Path) -> None:
    queries, outcomes = draw_rows(N)
    files = write_rows(tmp_path / "q.jsonl", queries), write_rows(tmp_path / "o.jsonl", outcomes)

    for name, more in (("first", ["--no-runs"]), ("second", ["--warm-start", str(tmp_path / "first")])):
        assert run(*arguments(files, tmp_path / name, *more)).code == 0

        bundle = load(tmp_path / name)
        assert bundle.manifest.parameters["run_bits"] == 0
        assert bundle.arrays["weights"].shape == (Layout(word_bits=10, run_bits=0).n_columns, 3)


def test_a_request_that_the_gateway_would_refuse_is_left_out(run: Runner, tmp_path: Path) -> None:
    def nest(queries: Rows, _outcomes: Rows) -> None:
        deep: dict[str, Any] = {}
        for _level in range(70):
            deep = {"x": deep}
        queries[3] = {"query_id": "q3", "messages": [{"role": "user", "content": "so", "deep": deep}]}

    document = document_of(train_changed(run, tmp_path, nest, "--json"))

    assert document["left_out"] == {"the gateway would refuse it: the body nests deeper than 64 levels": 1}
    assert np.isfinite(document["cross_validated"]["apgr"])


def test_exchanged_models_are_doubted(run: Runner, tmp_path: Path) -> None:
    def keep(queries: Rows, outcomes: Rows) -> None:
        del queries, outcomes

    result = train_changed(run, tmp_path, keep, small="large", large="small")

    assert "are --small and --large exchanged?" in result.err


def test_a_warm_start_that_knows_the_outcomes_is_told(run: Runner, tmp_path: Path) -> None:
    queries, outcomes = draw_rows(N)
    files = write_rows(tmp_path / "q.jsonl", queries), write_rows(tmp_path / "o.jsonl", outcomes)
    run(*arguments(files, tmp_path / "first"))

    result = run(*arguments(files, tmp_path / "second", "--warm-start", str(tmp_path / "first")))

    assert "was trained on these very outcomes" in result.err
