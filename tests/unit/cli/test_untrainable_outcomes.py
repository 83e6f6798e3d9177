"""Outcomes, names, places and warm starts that cannot be used for training: each a clear message, and no bundle."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from command_runs import Runner
from train_runs import Change, N, Rows, arguments, leave, plan_small, spoil_two, train_changed

from suffice.estimators.bundle import load
from suffice.testing import bundles
from suffice.testing.datasets import write_outcomes


@pytest.fixture(autouse=True)
def small_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suffice.cli.train.TrainPlan", plan_small)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_outcomes(tmp_path / "own", N)


def refuse(run: Runner, folder: Path, change: Change, *more: str, **models: str) -> str:
    """What is said where nothing is written."""
    result = train_changed(run, folder, change, *more, **models)
    assert result.code == 2
    assert result.out == ""
    assert "Traceback" not in result.err
    assert sorted(path.name for path in folder.iterdir()) == ["o.jsonl", "q.jsonl"]
    return result.err


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


def cut(raw: bytes) -> bytes:
    return raw[:100]


def alter(raw: bytes) -> bytes:
    return raw[:-9] + b"x" * 9


def empty(_: bytes) -> bytes:
    return b""


def replace(_: bytes) -> bytes:
    return b"{}"


def test_a_strict_training_refuses_bad_rows(run: Runner, tmp_path: Path) -> None:
    said = refuse(run, tmp_path, spoil_two, "--strict")

    assert "2 of 120 rows of o.jsonl cannot be used; mend or remove them" in said
    assert "line 4: score = 7.0: must be a number from 0 to 1" in said


def test_a_warm_start_of_another_layout_is_refused_by_name(
    run: Runner, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    start = bundles.write_bundle(tmp_path / "start", {"prove": 1.0})

    result = run(*arguments(files, tmp_path / "bundle", "--warm-start", str(tmp_path / "start"), "--runs"))

    assert result.code == 2
    assert f"bundle {start.id} has features of (12, 12, 10) bits" in result.err
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    "damage",
    [cut, alter, empty, replace, None],
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
