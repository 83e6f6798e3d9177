"""`suffice label` over sockets: servers that fail, judges that are biased, people who know better."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_runs import TAPES, command, label, read_rows, write_desk, write_rows, write_tape_settings

from suffice.estimators.bundle import Manifest, save
from suffice.estimators.calibrators import Platt
from suffice.estimators.lexical import KIND, Layout, Trained
from suffice.estimators.lexical.surface import SURFACE
from suffice.estimators.lexical.words import word_bucket
from suffice.lab.dataset import read_dataset
from suffice.testing import LARGE_MODEL, SMALL_MODEL, Server, run_loopback, stats, write_settings
from suffice.upstream.tape import load_tape


def ask_for(n: int, *lines: str, **fields: Any) -> dict[str, Any]:
    words = " ".join(f"{word}{n}" for word in ("compare", "rivers", "and", "lakes"))
    return {"query_id": f"q{n}", "prompt": "\n".join([f"{words}?", *lines]), **fields}


def run_label(folder: Path, config: Path, rows: Sequence[Mapping[str, Any]], *options: str) -> Any:
    queries = write_rows(folder / "asked.jsonl", rows)
    out = folder / "labels"
    return label("--queries", str(queries), "--out", str(out), "--config", str(config), "--yes", *options)


def test_a_failed_call_is_told_retried_and_never_scored(
    small_upstream: Server, large_upstream: Server, tmp_path: Path
) -> None:
    config = write_settings(tmp_path, small=[small_upstream.address], large=[large_upstream.address])
    check = {"type": "exact", "expect": ["yes"]}
    rows = [
        ask_for(1, "!say yes", check=check),
        ask_for(2, "!say yes", f"!status 422 on {SMALL_MODEL} first 1", check=check),
        ask_for(3, "!say no", check=check),
    ]

    first = run_label(tmp_path, config, rows, "--json").document
    outcomes = read_rows(tmp_path / "labels" / "outcomes.jsonl")
    before = stats(small_upstream.address)["by_path"]["/v1/chat/completions"]
    second = run_label(tmp_path, config, rows, "--json").document

    assert [tier["failed"] for tier in first["tiers"]] == [1, 0]
    assert [reason[:12] for reason in first["failures"]] == ["answered 422"]
    assert any("1 calls failed" in warning for warning in first["warnings"])
    assert {(row["query_id"], row["model"]): row["score"] for row in outcomes} == {
        ("q1", SMALL_MODEL): 1.0,
        ("q1", LARGE_MODEL): 1.0,
        ("q2", LARGE_MODEL): 1.0,
        ("q3", SMALL_MODEL): 0.0,
        ("q3", LARGE_MODEL): 0.0,
    }
    assert all(len(row["logprobs"]) >= 1 and "second_logprob" in row["logprobs"][0] for row in outcomes)
    assert second["failures"] == {}
    assert stats(small_upstream.address)["by_path"]["/v1/chat/completions"] == before + 1
    scores = [row["score"] for row in read_rows(tmp_path / "labels" / "outcomes.jsonl") if row["model"] == SMALL_MODEL]
    assert scores == [1.0, 1.0, 0.0]


def test_a_tier_that_is_down_ends_the_run_and_what_was_answered_is_kept(large_upstream: Server, tmp_path: Path) -> None:
    config = write_settings(
        tmp_path,
        small=["http://127.0.0.1:1"],
        large=[large_upstream.address],
        sections={"upstream": {"retries": 0}},
    )
    rows = [ask_for(n, check={"type": "exact", "expect": ["x"]}) for n in range(60)]

    run = run_label(tmp_path, config, rows, "--max-tokens", "20")

    assert run.code == 1
    assert "tier small failed 20 calls in a row" in run.err
    assert "run the same command again" in run.err
    entries = read_rows(tmp_path / "labels" / "journal.jsonl")
    assert 10 <= sum(entry["entry"] == "answer" for entry in entries) < 60


def test_a_judge_that_takes_what_stands_first_is_found_out(small_upstream: Server, tmp_path: Path) -> None:
    rows = [ask_for(n) for n in range(12)]
    with (
        run_loopback("--model", LARGE_MODEL, "--always", "!say something else") as large,
        run_loopback("--model", "biased", "--always", "!say VERDICT: A", "--api-key", "sesame") as judge,
    ):
        config = write_settings(tmp_path, small=[small_upstream.address], large=[large.address])
        environ = {**os.environ, "JUDGE_KEY": "sesame"}
        queries = write_rows(tmp_path / "asked.jsonl", rows)
        arguments = ("--queries", str(queries), "--out", str(tmp_path / "labels"), "--config", str(config), "--yes")
        named = ("--judge", judge.address, "--judge-key-env", "JUDGE_KEY")
        done = subprocess.run(
            command(*arguments, *named), capture_output=True, text=True, env=environ, timeout=60, check=False
        )
        again = label(*arguments, "--judge", f"{judge.address}/v1:biased")  # without its key

    assert done.returncode == 0, done.stderr
    assert "the judge contradicts itself: it agrees with itself on 0% of 12 pairs" in done.stdout
    assert "for what stands first: 100%" in done.stdout
    assert "and more that is not known" in done.stderr  # nobody knows what the judge costs
    outcomes = read_rows(tmp_path / "labels" / "outcomes.jsonl")
    assert {row["score"] for row in outcomes if row["model"] == SMALL_MODEL} == {0.5}
    assert {row["label_source"] for row in outcomes} == {"judge biased"}
    assert again.code == 0, again.err  # its verdicts are there already


def test_a_judge_of_itself_is_flagged_loudly(small_upstream: Server, tmp_path: Path) -> None:
    with run_loopback("--model", LARGE_MODEL, "--name", "large-7", "--always", "!say VERDICT: TIE") as large:
        config = write_settings(tmp_path, small=[small_upstream.address], large=[large.address])

        run = run_label(tmp_path, config, [ask_for(n) for n in range(8)], "--judge", "large")
        n_calls = stats(large.address)["by_path"]["/v1/chat/completions"]

    assert run.code == 0, run.err
    assert "THE JUDGE JUDGES ITSELF" in run.out
    outcomes = read_rows(tmp_path / "labels" / "outcomes.jsonl")
    assert {row["label_source"] for row in outcomes} == {f"judge {LARGE_MODEL}, JUDGING ITSELF"}
    assert {row["score"] for row in outcomes} == {1.0}
    assert n_calls == 8 + 2 * 8  # its own answers, and each pair in both orders


def test_people_tell_how_wrong_agreement_with_the_large_model_is(tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path), write_tape_settings(tmp_path)
    recordings = load_tape(TAPES["small"]).recordings
    known = [name for index, name in enumerate(recordings) if index % 2 == 0]
    people = [{"query_id": name, "model": "small", "score": recordings[name].score} for name in known]
    human = write_rows(tmp_path / "people.jsonl", people)

    document = label(
        "--queries", str(queries), "--out", str(tmp_path / "labels"), "--config", str(config), "--yes", "--json",
        "--by", "agreement", "--human", str(human), "--concurrency", "64",
    ).document  # fmt: skip

    truth = np.mean([recording.score for recording in recordings.values()])
    rate = next(rate for rate in document["rates"] if rate["source"] == "agreement with large")
    error = rate["human"]
    assert error["n"] == len(known) == sum(error[name] for name in _COUNTS)
    assert rate["acceptable"]["estimate"] < truth - 0.10  # agreement alone is wrong by more than ten points
    assert abs(error["corrected"]["estimate"] - truth) < 0.05
    assert error["corrected"]["low"] < truth < error["corrected"]["high"]
    sources = {row["query_id"]: row["label_source"] for row in read_rows(tmp_path / "labels" / "outcomes.jsonl")[::2]}
    assert {sources[name] for name in known} == {"human"}


_COUNTS = ("hits", "misses", "correct_rejections", "false_alarms")

LAYOUT = Layout(word_bits=10, run_bits=10, pair_bits=10)


def write_bundle(path: Path) -> Path:
    """A bundle that takes code for hard."""
    weights = np.zeros((LAYOUT.n_columns, 3))
    weights[word_bucket(b"python", LAYOUT), 0] = 0.5
    trained = Trained(
        layout=LAYOUT,
        weights=weights,
        intercepts=np.array([0.25, 0.5, 0.75]),
        reference=np.linspace(0.0, 1.0, 11),
        typical=np.zeros(len(SURFACE)),
        calibrators=[Platt(4.0, 0.0), Platt(4.0, 0.0)],
    )
    parameters = trained.to_parameters()
    manifest = Manifest(kind=KIND, models=tuple(TAPES.values()), created="2026-11-24", parameters=parameters)
    save(path, manifest, trained.to_arrays())
    return path


@pytest.mark.parametrize("threshold", [(), ("--threshold", "9")])
def test_an_active_draw_keeps_each_querys_chance(threshold: tuple[str, ...], tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path), write_tape_settings(tmp_path)
    bundle = write_bundle(tmp_path / "bundle")
    out = tmp_path / "labels"

    document = label(
        "--queries", str(queries), "--out", str(out), "--config", str(config), "--yes", "--json",
        "--sample", "60", "--strategy", "active", "--bundle", str(bundle), *threshold,
    ).document  # fmt: skip

    drawn = read_dataset(out / "queries.jsonl", out / "outcomes.jsonl").dataset
    assert document["n_queries"] == document["n_groups"] == len(drawn.queries) == 60
    assert f"threshold {threshold[1] if threshold else '4'}" in document["sample"]
    assert drawn.sampling_weights().sum() == pytest.approx(499, rel=0.25)
    chances = {query.inclusion_probability for query in drawn.queries}
    assert len(chances) > 1
    assert document["rates"][0]["acceptable"]["n"] == 60


def test_known_outcomes_guide_a_draw_as_well(tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path), write_tape_settings(tmp_path)
    arguments = ("--queries", str(queries), "--config", str(config), "--yes", "--json", "--sample", "40")
    label(*arguments, "--out", str(tmp_path / "known"))

    document = label(
        *arguments, "--out", str(tmp_path / "more"), "--strategy", "active",
        "--outcomes", str(tmp_path / "known" / "outcomes.jsonl"),
    ).document  # fmt: skip

    assert "actively by outcomes.jsonl" in document["sample"]
    assert document["n_queries"] == 40


def test_a_person_is_asked_before_anything_is_spent(tmp_path: Path) -> None:
    queries, config = write_desk(tmp_path, step=50), write_tape_settings(tmp_path)
    out = tmp_path / "labels"
    arguments = ("--queries", str(queries), "--out", str(out), "--config", str(config), "--max-tokens", "700")

    def answer(text: bytes) -> subprocess.CompletedProcess[str]:
        ours, theirs = os.openpty()
        try:
            os.write(ours, text)
            return subprocess.run(
                command(*arguments), stdin=theirs, capture_output=True, text=True, timeout=60, check=False
            )
        finally:
            os.close(ours)
            os.close(theirs)

    refused, n_lines = answer(b"n\n"), len(read_rows(out / "journal.jsonl"))
    agreed = answer(b"y\n")

    assert (refused.returncode, n_lines) == (1, 1)
    assert "Make these calls?" in refused.stderr
    assert agreed.returncode == 0, agreed.stderr
    assert len(read_rows(out / "outcomes.jsonl")) == 20
