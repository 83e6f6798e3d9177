"""`suffice label` over the tape: real answers, known scores, and a process that is killed on the way."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from label_runs import TAPES, command, label, read_rows, write_desk, write_tape_settings

from suffice.lab.dataset import read_dataset
from suffice.testing import wait_until
from suffice.upstream.tape import load_tape


def test_every_answer_of_the_tape_gets_the_score_it_was_recorded_with(tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path), write_tape_settings(tmp_path)

    out = tmp_path / "labels"
    document = label(
        "--queries", str(queries), "--out", str(out), "--config", str(config), "--yes", "--json", "--concurrency", "64"
    ).document

    dataset = read_dataset(out / "queries.jsonl", out / "outcomes.jsonl").dataset
    assert document["n_queries"] == 499
    for model in TAPES.values():
        recordings = load_tape(model).recordings
        outcomes = {dataset.queries[index].query_id: outcome for index, outcome in dataset.outcomes_of(model).items()}
        assert {name: outcome.score for name, outcome in outcomes.items()} == {
            name: recording.score for name, recording in recordings.items()
        }
        for name, outcome in outcomes.items():
            recording = recordings[name]
            assert outcome.response == recording.text
            assert outcome.label_source is not None
            assert outcome.label_source.startswith("check: ")
            assert (outcome.prompt_tokens, outcome.completion_tokens) == (
                recording.prompt_tokens,
                recording.completion_tokens,
            )
            assert [token.logprob for token in outcome.logprobs or ()] == [token.logprob for token in recording.tokens]
    rates = {(rate["tier"], rate["source"]): rate["acceptable"] for rate in document["rates"]}
    assert rates["small", "check"]["estimate"] == pytest.approx(dataset.score_matrix()[:, 0].mean())
    assert rates["small", "check"]["n_groups"] == 427
    assert document["spent_usd"] == pytest.approx(sum(outcome.cost_usd or 0 for outcome in dataset.outcomes))


def test_a_killed_run_goes_on_and_pays_for_nothing_twice(tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path, step=4), write_tape_settings(tmp_path, speedup=20.0, slots=4)
    out = tmp_path / "labels"
    journal = out / "journal.jsonl"
    arguments = ("--queries", str(queries), "--out", str(out), "--config", str(config), "--yes", "--concurrency", "4")

    with subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: journal.is_file() and journal.read_bytes().count(b"\n") > 40, timeout_s=60.0)
        os.kill(process.pid, signal.SIGKILL)
    with journal.open("ab") as file:
        file.write(b'{"entry":"answer","query_id":"w0')  # as a killed process may leave it
    before = journal.read_bytes()
    config = write_tape_settings(tmp_path)  # the speed is not what makes a run another
    document = label(*arguments, "--json").document

    n_queries = len(queries.read_text().splitlines())
    entries = read_rows(journal)
    answers = [(entry["query_id"], entry["tier"]) for entry in entries if entry["entry"] == "answer"]
    assert journal.read_bytes().startswith(before[: before.rindex(b"\n") + 1])
    assert len(answers) == len(set(answers)) == 2 * n_queries
    assert [tier["answered"] for tier in document["tiers"]] == [n_queries, n_queries]
    assert document["spent_usd"] == pytest.approx(sum(entry.get("cost_usd", 0.0) for entry in entries))


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_it_is_told_how_to_go_on(order: signal.Signals, tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path), write_tape_settings(tmp_path, speedup=1.0, slots=2)
    journal = tmp_path / "labels" / "journal.jsonl"
    arguments = ("--queries", str(queries), "--out", str(journal.parent), "--config", str(config), "--yes")

    with subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: journal.is_file() and journal.read_bytes().count(b"\n") > 1, timeout_s=60.0)
        process.send_signal(order)
        _, err = process.communicate(timeout=30.0)

    assert process.returncode == 130
    assert "the same command goes on from there" in err
    assert "Traceback" not in err


def test_the_same_command_again_calls_nothing_and_writes_the_same(tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path, step=20), write_tape_settings(tmp_path)
    out = tmp_path / "labels"
    arguments = ("--queries", str(queries), "--out", str(out), "--config", str(config))

    first = label(*arguments, "--yes")
    written = [(out / name).read_bytes() for name in ("queries.jsonl", "outcomes.jsonl", "journal.jsonl")]
    second = label(*arguments)  # nothing is left to be agreed to

    assert (first.code, second.code) == (0, 0)
    assert "What it will cost" in first.err
    assert "What it will cost" not in second.err
    assert [(out / name).read_bytes() for name in ("queries.jsonl", "outcomes.jsonl", "journal.jsonl")] == written


def test_answers_gathered_first_are_scored_later_without_a_call(tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path, step=20), write_tape_settings(tmp_path)
    out = tmp_path / "labels"
    arguments = ("--queries", str(queries), "--out", str(out), "--config", str(config), "--json")

    gathered = label(*arguments, "--by", "none", "--yes").document
    agreed = label(*arguments, "--by", "agreement").document

    assert gathered["rates"] == []
    assert [tier["unscored"] for tier in gathered["tiers"]] == [25, 25]
    assert [(rate["tier"], rate["source"], rate["is_reference"]) for rate in agreed["rates"]] == [
        ("small", "agreement with large", False),
        ("large", "agreement with large", True),
    ]
    outcomes = read_rows(out / "outcomes.jsonl")
    assert {row["label_source"] for row in outcomes} == {"agreement with large"}
    assert agreed["spent_usd"] == gathered["spent_usd"]


def test_code_is_run_in_the_sandbox_and_parquet_is_written(tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path, kinds=["code_write"]), write_tape_settings(tmp_path)
    out = tmp_path / "labels"

    label("--queries", str(queries), "--out", str(out), "--config", str(config), "--yes", "--parquet")

    dataset = read_dataset(out / "queries.parquet", out / "outcomes.parquet").dataset
    assert len(dataset.queries) == 30
    assert {outcome.label_source for outcome in dataset.outcomes} == {"check: python"}
    for model in TAPES.values():
        recordings = load_tape(model).recordings
        for index, outcome in dataset.outcomes_of(model).items():
            assert outcome.score == recordings[dataset.queries[index].query_id].score


def test_without_a_terminal_nothing_is_spent_unless_told(tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path, step=50), write_tape_settings(tmp_path)
    out = tmp_path / "labels"
    arguments = ("--queries", str(queries), "--out", str(out), "--config", str(config))

    unknown = label(*arguments)
    known = label(*arguments, "--max-tokens", "700")

    assert (unknown.code, known.code) == (2, 2)
    assert "no terminal to ask" in unknown.err.replace("\n", " ")
    assert "about 0.0" not in unknown.err
    assert "at most: every answer as long as --max-tokens allows" in known.err
    # (prompts + 10 x 700 tokens) at 0.1 and 0.875 USD a million
    assert "about 0.00" in known.err
    assert len(read_rows(out / "journal.jsonl")) == 1


def test_another_runs_journal_is_refused_with_what_differs(tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path, step=50), write_tape_settings(tmp_path)
    arguments = ("--queries", str(queries), "--out", str(tmp_path / "labels"), "--config", str(config), "--yes")
    assert label(*arguments).code == 0

    other = label(*arguments, "--tiers", "small")

    assert other.code == 2
    assert "is of another run: tiers was small = qwen2.5-coder-0.5b, large" in other.err
    assert "name another folder with --out" in other.err
