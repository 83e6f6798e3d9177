"""Outcomes, bundles and models that cannot be used: each a clear message, and the exit code 2."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_runs import Runner

from suffice.testing.bundles import write_bundle
from suffice.testing.datasets import draw_rows, write_rows

Rows = list[dict[str, Any]]
Change = Callable[[Rows, Rows], None]

COMMANDS = ("evaluate", "calibrate")


def score_all(value: float) -> Change:
    def change(_: Rows, outcomes: Rows) -> None:
        for row in outcomes:
            row["score"] = value

    return change


def repeat_ids(queries: Rows, outcomes: Rows) -> None:
    for row in [*queries, *outcomes]:
        row["query_id"] = "same"


def keep_five(_: Rows, outcomes: Rows) -> None:
    del outcomes[10:]


def empty_queries(queries: Rows, _: Rows) -> None:
    queries.clear()


def empty_outcomes(_: Rows, outcomes: Rows) -> None:
    outcomes.clear()


def drop_prompts(queries: Rows, _: Rows) -> None:
    for row in queries:
        del row["prompt"]


def rename_queries(queries: Rows, _: Rows) -> None:
    for row in queries:
        row["query_id"] = f"x{row['query_id']}"


def leave(_queries: Rows, _outcomes: Rows) -> None:
    pass


def cut(raw: bytes) -> bytes:
    return raw[:100]


def alter(raw: bytes) -> bytes:
    return raw[:-9] + b"x" * 9


def empty(_: bytes) -> bytes:
    return b""


def replace(_: bytes) -> bytes:
    return b"{}"


def run_command(run: Runner, command: str, folder: Path, change: Change, *, small: str = "small") -> tuple[int, str]:
    queries, outcomes = draw_rows(60)
    change(queries, outcomes)
    write_bundle(folder / "bundle", {"prove": 2.0})
    files = write_rows(folder / "queries.jsonl", queries), write_rows(folder / "outcomes.jsonl", outcomes)
    result = run(*options_of(command, folder, *files, small=small))
    return result.code, result.err


def options_of(command: str, folder: Path, queries: Path, outcomes: Path, *, small: str = "small") -> list[str]:
    options = ["--queries", str(queries), "--outcomes", str(outcomes), "--small", small, "--large", "large"]
    aim = ["--quality", "0.9"] if command == "calibrate" else []
    return [command, "--bundle", str(folder / "bundle"), *options, *aim]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (score_all(1.0), "small fails (score under 0.5) on none of 60 queries"),
        (score_all(0.0), "small fails (score under 0.5) on every one of 60 queries"),
        (score_all(math.nan), "none of the 120 rows of"),
        (score_all(7.0), "score = 7.0: must be a number from 0 to 1"),
        (keep_five, "5 queries have scored answers of both small and large, but 20 at least are needed"),
        (repeat_ids, "1 queries have scored answers of both small and large, but 20 at least are needed"),
        (empty_queries, "queries.jsonl is empty; it needs one row at least"),
        (empty_outcomes, "outcomes.jsonl is empty; it needs one row at least"),
        (drop_prompts, "either prompt or messages is needed"),
        (rename_queries, "no query has this id"),
    ],
)
def test_outcomes_that_cannot_be_used(run: Runner, tmp_path: Path, command: str, change: Change, message: str) -> None:
    code, err = run_command(run, command, tmp_path, change)

    assert code == 2
    assert message in err


@pytest.mark.parametrize("command", COMMANDS)
def test_duplicate_ids_are_named_where_they_stand(run: Runner, tmp_path: Path, command: str) -> None:
    _, err = run_command(run, command, tmp_path, repeat_ids)

    assert "queries.jsonl, line 2: query_id = 'same': stands already in line 1" in err
    assert "outcomes.jsonl, line 3: query_id and model = ('same', 'small'): stands already in line 1" in err


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_model_is_told_the_known_ones(run: Runner, tmp_path: Path, command: str) -> None:
    code, err = run_command(run, command, tmp_path, leave, small="smal")

    assert code == 2
    assert "no outcome of model 'smal'; did you mean 'small'? known are large, small" in err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("content", [b"\x00\x01\x02 no rows", b"PAR1 broken", b"\x1f\x8b\x08\x00", b"[1, 2]\n"])
def test_a_wrong_file_is_refused(run: Runner, tmp_path: Path, command: str, content: bytes) -> None:
    write_bundle(tmp_path / "bundle", {"prove": 2.0})
    (tmp_path / "wrong").write_bytes(content)
    good = write_rows(tmp_path / "queries.jsonl", draw_rows(60)[0])

    as_queries = run(*options_of(command, tmp_path, tmp_path / "wrong", tmp_path / "wrong"))
    as_outcomes = run(*options_of(command, tmp_path, good, tmp_path / "wrong"))

    assert (as_queries.code, as_outcomes.code) == (2, 2)
    assert "wrong" in as_queries.err
    assert "wrong" in as_outcomes.err


@pytest.mark.parametrize("command", COMMANDS)
def test_files_that_are_exchanged_are_recognised(run: Runner, tmp_path: Path, command: str) -> None:
    write_bundle(tmp_path / "bundle", {"prove": 2.0})
    queries, outcomes = draw_rows(60)
    files = write_rows(tmp_path / "o", outcomes), write_rows(tmp_path / "q", queries)

    result = run(*options_of(command, tmp_path, *files))

    assert result.code == 2
    assert "are the two exchanged?" in result.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("damage", [cut, alter, empty, replace])
def test_a_bundle_that_is_damaged_or_none_is_refused(
    run: Runner, tmp_path: Path, command: str, damage: Callable[[bytes], bytes]
) -> None:
    write_bundle(tmp_path / "bundle", {"prove": 2.0})
    (tmp_path / "bundle").write_bytes(damage((tmp_path / "bundle").read_bytes()))
    queries, outcomes = draw_rows(60)
    files = write_rows(tmp_path / "q", queries), write_rows(tmp_path / "o", outcomes)

    result = run(*options_of(command, tmp_path, *files))

    assert result.code == 2
    assert "bundle" in result.err
