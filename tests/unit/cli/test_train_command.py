import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_runs import Run, Runner

from suffice.estimators.bundle import load
from suffice.estimators.lexical import Layout, build
from suffice.lab.dataset import hash_dataset, read_dataset
from suffice.lab.train import TrainPlan
from suffice.testing import bundles
from suffice.testing.datasets import draw_rows, write_outcomes, write_rows

N = 60
LAYOUT = Layout(word_bits=10, run_bits=11)
Rows = list[dict[str, Any]]
Change = Callable[[Rows, Rows], None]


@pytest.fixture(autouse=True)
def small_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout that takes a third of the time."""
    monkeypatch.setattr("suffice.cli.train.TrainPlan", lambda **options: TrainPlan(layout=LAYOUT, **options))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_outcomes(tmp_path / "own", N)


def arguments(files: tuple[Path, Path], out: Path, *more: str, small: str = "small", large: str = "large") -> list[str]:
    options = ["--queries", str(files[0]), "--outcomes", str(files[1]), "--small", small, "--large", large]
    return ["train", *options, "--out", str(out), "--resamples", "40", *more]


def document_of(result: Run) -> dict[str, Any]:
    assert result.code == 0, result.err
    return json.loads(result.out)


def train_changed(run: Runner, folder: Path, change: Change, *more: str, **models: str) -> Run:
    queries, outcomes = draw_rows(N)
    change(queries, outcomes)
    files = write_rows(folder / "q.jsonl", queries), write_rows(folder / "o.jsonl", outcomes)
    return run(*arguments(files, folder / "bundle", *more, **models))


def refuse(run: Runner, folder: Path, change: Change, *more: str, **models: str) -> str:
    """What is said where nothing is written."""
    result = train_changed(run, folder, change, *more, **models)
    assert result.code == 2
    assert result.out == ""
    assert "Traceback" not in result.err
    assert sorted(path.name for path in folder.iterdir()) == ["o.jsonl", "q.jsonl"]
    return result.err


def leave(_queries: Rows, _outcomes: Rows) -> None:
    pass


def score_all(value: float) -> Change:
    def change(_: Rows, outcomes: Rows) -> None:
        for row in outcomes:
            row["score"] = value

    return change


def score_small(value: float) -> Change:
    def change(_: Rows, outcomes: Rows) -> None:
        for row in outcomes:
            row["score"] = value if row["model"] == "small" else row["score"]

    return change


def keep_five(queries: Rows, outcomes: Rows) -> None:
    del queries[5:]
    del outcomes[10:]


def repeat_ids(queries: Rows, outcomes: Rows) -> None:
    for row in [*queries, *outcomes]:
        row["query_id"] = "same"


def repeat_prompts(queries: Rows, _: Rows) -> None:
    for index, row in enumerate(queries):
        row["prompt"] = f"prompt number {index % 3}"


def empty_queries(queries: Rows, _: Rows) -> None:
    queries.clear()


def empty_outcomes(_: Rows, outcomes: Rows) -> None:
    outcomes.clear()


def rename_queries(queries: Rows, _: Rows) -> None:
    for row in queries:
        row["query_id"] = f"x{row['query_id']}"


def spoil_two(_: Rows, outcomes: Rows) -> None:
    outcomes[0]["score"] = math.nan
    outcomes[3]["score"] = 7.0


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


def test_a_strict_training_refuses_bad_rows(run: Runner, tmp_path: Path) -> None:
    said = refuse(run, tmp_path, spoil_two, "--strict")

    assert "2 of 120 rows of o.jsonl cannot be used; mend or remove them" in said
    assert "line 4: score = 7.0: must be a number from 0 to 1" in said


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
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gain: float, *, is_used: bool
) -> None:
    monkeypatch.setattr("suffice.cli.train.TrainPlan", lambda **options: TrainPlan(layout=bundles.LAYOUT, **options))
    (tmp_path / "start").mkdir()
    bundles.write_bundle(tmp_path / "start" / "b", {"prove": gain, "list": -gain})

    result = train_changed(run, tmp_path, leave, "--warm-start", str(tmp_path / "start" / "b"), "--json")

    assert (document_of(result)["trust_in_warm_start"] > 0.0) == is_used
    assert ("do not support what" in result.err) != is_used


def test_a_warm_start_of_another_layout_is_refused_by_name(
    run: Runner, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    start = bundles.write_bundle(tmp_path / "start", {"prove": 1.0})

    result = run(*arguments(files, tmp_path / "bundle", "--warm-start", str(tmp_path / "start")))

    assert result.code == 2
    assert f"bundle {start.id} has features of (12, 12, 10) bits" in result.err
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    "damage",
    [lambda raw: raw[:100], lambda raw: raw[:-9] + b"x" * 9, lambda _: b"", lambda _: b"{}", None],
    ids=["cut", "altered", "empty", "foreign", "missing"],
)
def test_a_warm_start_that_is_no_bundle_is_refused(
    run: Runner, tmp_path: Path, files: tuple[Path, Path], damage: Callable[[bytes], bytes] | None
) -> None:
    if damage is not None:
        bundles.write_bundle(tmp_path / "start", {"prove": 2.0})
        (tmp_path / "start").write_bytes(damage((tmp_path / "start").read_bytes()))

    result = run(*arguments(files, tmp_path / "bundle", "--warm-start", str(tmp_path / "start")))

    assert result.code == 2
    assert str(tmp_path / "start") in result.err
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (score_all(1.0), "small fails (score under 0.5) on none of 60 queries"),
        (score_all(0.0), "small fails (score under 0.5) on every one of 60 queries"),
        (score_small(1.0), "small fails (score under 0.5) on none of 60 queries"),
        (score_all(math.nan), "none of the 120 rows of"),
        (score_all(7.0), "score = 7.0: must be a number from 0 to 1"),
        (keep_five, "5 queries have scored answers of both small and large, but 20 at least are needed"),
        (repeat_ids, "stands already in line 1"),
        (repeat_prompts, "60 queries are near-duplicates of each other, in 3 groups, but 5 at least are needed"),
        (empty_queries, "q.jsonl is empty; it needs one row at least"),
        (empty_outcomes, "o.jsonl is empty; it needs one row at least"),
        (rename_queries, "no query has this id"),
    ],
    ids=[
        "all-right", "all-wrong", "one-class", "nan", "out-of-range", "five", "ids", "prompts", "no-queries",
        "no-outcomes", "strangers",
    ],
)  # fmt: skip
def test_outcomes_that_cannot_be_trained_on(run: Runner, tmp_path: Path, change: Change, message: str) -> None:
    assert message in refuse(run, tmp_path, change)


@pytest.mark.parametrize(
    ("models", "more", "message"),
    [
        ({"small": "smal"}, (), "no outcome of model 'smal'; did you mean 'small'? known are large, small"),
        ({"large": "other"}, (), "no outcome of model 'other'; known are large, small"),
        ({"large": "small"}, (), "a model is named twice: small, small; name each tier's own"),
        ({}, ("--middle", "midle"), "no outcome of model 'midle'"),
        ({}, ("--middle", "large"), "a model is named twice: small, large, large"),
        ({}, ("--licence", " "), "--licence ' ' names none"),
    ],
)
def test_names_that_cannot_be_used(
    run: Runner, tmp_path: Path, models: dict[str, str], more: tuple[str, ...], message: str
) -> None:
    assert message in refuse(run, tmp_path, leave, *more, **models)


@pytest.mark.parametrize("content", [b"\x00\x01\x02 no rows", b"PAR1 broken", b"\x1f\x8b\x08\x00", b"[1, 2]\n"])
def test_a_wrong_file_is_refused(run: Runner, tmp_path: Path, files: tuple[Path, Path], content: bytes) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(content)

    as_queries = run(*arguments((wrong, wrong), tmp_path / "bundle"))
    as_outcomes = run(*arguments((files[0], wrong), tmp_path / "bundle"))

    assert (as_queries.code, as_outcomes.code) == (2, 2)
    assert "wrong" in as_queries.err
    assert "wrong" in as_outcomes.err
    assert not (tmp_path / "bundle").exists()


def test_files_that_are_exchanged_are_recognised(run: Runner, tmp_path: Path, files: tuple[Path, Path]) -> None:
    result = run(*arguments((files[1], files[0]), tmp_path / "bundle"))

    assert result.code == 2
    assert "are the two exchanged?" in result.err


def test_a_file_that_is_not_there_is_named(run: Runner, tmp_path: Path, files: tuple[Path, Path]) -> None:
    result = run(*arguments((files[0], tmp_path / "none"), tmp_path / "bundle"))

    assert result.code == 2
    assert f"{tmp_path / 'none'} cannot be read" in result.err


@pytest.mark.parametrize(
    ("place", "message"),
    [("none/bundle", "is no folder; name a file in a folder that exists"), ("", "is a folder; name a file")],
)
def test_a_place_for_no_file_is_refused_before_anything_is_read(
    run: Runner, tmp_path: Path, place: str, message: str
) -> None:
    nothing = tmp_path / "queries", tmp_path / "outcomes"

    result = run(*arguments(nothing, tmp_path / place))

    assert result.code == 2
    assert message in result.err


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_trained_on_is_not_written_over(
    run: Runner, tmp_path: Path, files: tuple[Path, Path], which: int
) -> None:
    before = files[which].read_bytes()

    result = run(*arguments(files, tmp_path / "own" / ".." / "own" / files[which].name))

    assert result.code == 2
    assert "is a file that is trained on; name another one" in result.err
    assert files[which].read_bytes() == before


def test_a_training_that_fails_leaves_the_bundle_of_before(run: Runner, tmp_path: Path) -> None:
    before = bundles.write_bundle(tmp_path / "bundle", {"prove": 1.0})

    result = train_changed(run, tmp_path, keep_five)

    assert result.code == 2
    assert load(tmp_path / "bundle").id == before.id


def test_a_request_that_the_gateway_would_refuse_is_left_out(run: Runner, tmp_path: Path) -> None:
    def nest(queries: Rows, _outcomes: Rows) -> None:
        deep: dict[str, Any] = {}
        for _level in range(70):
            deep = {"x": deep}
        queries[3] = {"query_id": "q3", "messages": [{"role": "user", "content": "so", "deep": deep}]}

    document = document_of(train_changed(run, tmp_path, nest, "--json"))

    assert document["left_out"] == {"the gateway would refuse it: the body nests deeper than 64 levels": 1}
    assert np.isfinite(document["cross_validated"]["apgr"])
