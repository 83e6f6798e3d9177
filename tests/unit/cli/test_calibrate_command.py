import json
from pathlib import Path
from typing import Any

import pytest
from command_runs import Run, Runner

from suffice.estimators.bundle import TrainingSource, load
from suffice.lab.dataset import hash_dataset, read_dataset
from suffice.testing.bundles import write_bundle
from suffice.testing.datasets import draw_rows, write_outcomes, write_rows

N = 120
WORDS = {"prove": 2.0, "list": -2.0, "rivers": 0.4, "owls": -0.3, "maps": 0.2, "taxes": 0.1}
CONFIG = """\
tiers:
  - {name: s, model: small, base_urls: ["http://127.0.0.1:1/v1"], price: {input: 1, output: 1}}
  - {name: l, model: large, base_urls: ["http://127.0.0.1:2/v1"], price: {input: 10, output: 10}}
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle", WORDS, thresholds={"quality": 1.0, "balanced": 5.0})
    return tmp_path / "bundle"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_outcomes(tmp_path, N)


def arguments(bundle: Path, files: tuple[Path, Path], *more: str) -> list[str]:
    options = ["--bundle", str(bundle), "--queries", str(files[0]), "--outcomes", str(files[1])]
    return ["calibrate", *options, "--small", "small", "--large", "large", "--resamples", "40", *more]


def document_of(result: Run) -> dict[str, Any]:
    assert result.code == 0, result.err
    return json.loads(result.out)


def test_the_threshold_is_written_into_the_bundle(run: Runner, bundle: Path, files: tuple[Path, Path]) -> None:
    before = load(bundle)

    document = document_of(run(*arguments(bundle, files, "--large-share", "0.15", "--json")))

    after = load(bundle)
    assert dict(after.manifest.thresholds) == {"quality": 1.0, "balanced": document["threshold"]}
    assert document["bundle"] == {"before": before.id, "after": after.id}
    assert after.arrays.keys() == before.arrays.keys()
    assert document["before"] == 5.0
    assert 0.05 <= document["here"]["share_to_large"] <= 0.15
    assert document["here"]["share_to_large_ci"][0] < document["here"]["share_to_large"]


def test_a_dry_run_and_another_file_leave_the_bundle_as_it_is(
    run: Runner, bundle: Path, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    raw = bundle.read_bytes()

    dry = document_of(run(*arguments(bundle, files, "--quality", "0.9", "--dry-run", "--json")))
    document_of(run(*arguments(bundle, files, "--quality", "0.9", "--out", str(tmp_path / "new"), "--json")))

    assert bundle.read_bytes() == raw
    assert (dry["written"], dry["bundle"]["after"]) == (None, None)
    assert load(tmp_path / "new").manifest.thresholds["balanced"] == dry["threshold"]


def test_queries_alone_are_enough_for_a_share(run: Runner, bundle: Path, files: tuple[Path, Path]) -> None:
    alone = run("calibrate", "--bundle", str(bundle), "--queries", str(files[0]), "--large-share", "0.3", "--json")

    document = document_of(alone)
    assert document["here"]["n"] == N
    assert "score" not in document["here"]


@pytest.mark.parametrize("aim", ["--cost", "--quality"])
def test_other_aims_need_outcomes(run: Runner, bundle: Path, files: tuple[Path, Path], aim: str) -> None:
    result = run("calibrate", "--bundle", str(bundle), "--queries", str(files[0]), aim, "0.3")

    assert result.code == 2
    assert f"{aim} is measured on outcomes: give --outcomes, --small and --large" in result.err


@pytest.mark.parametrize(
    ("aims", "message"),
    [
        ((), "give one aim"),
        (("--cost", "0.3", "--quality", "0.9"), "got --cost and --quality"),
        (("--large-share", "15"), "15 is no share from 0 to 1"),
        (("--quality", "nan"), "nan is no share from 0 to 1"),
    ],
)
def test_there_is_exactly_one_aim(
    run: Runner, bundle: Path, files: tuple[Path, Path], aims: tuple[str, ...], message: str
) -> None:
    result = run(*arguments(bundle, files, *aims))

    assert result.code == 2
    assert message in " ".join(result.err.replace("│", " ").split())


def test_prices_may_come_from_options_or_from_the_configuration(
    run: Runner, bundle: Path, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    (tmp_path / "suffice.yaml").write_text(CONFIG, "utf-8")
    options = ("--cost", "0.4", "--dry-run", "--json")

    by_option = document_of(run(*arguments(bundle, files, *options, "--price-small", "1/1", "--price-large", "10")))
    by_file = document_of(run(*arguments(bundle, files, *options, "--config", str(tmp_path / "suffice.yaml"))))

    assert by_option["threshold"] == by_file["threshold"]
    assert 0.3 < by_option["here"]["cost"] <= 0.4
    assert by_option["basis_of_cost"].startswith(
        "1/1 and 10 USD per million tokens; tokens counted for 0% of the answers"
    )
    assert by_file["basis_of_cost"].startswith(f"prices of {tmp_path / 'suffice.yaml'}")


def test_costs_may_stand_in_the_outcomes(run: Runner, bundle: Path, tmp_path: Path) -> None:
    queries, outcomes = draw_rows(N)
    for row in outcomes:
        row["cost_usd"] = {"small": 0.001, "large": 0.01}[row["model"]]
    files = write_rows(tmp_path / "q", queries), write_rows(tmp_path / "o", outcomes)

    document = document_of(run(*arguments(bundle, files, "--cost", "0.4", "--dry-run", "--json")))

    assert document["basis_of_cost"] == "cost_usd of the outcomes"
    share = document["here"]["share_to_large"]
    assert document["here"]["cost"] == pytest.approx(share + 0.1 * (1 - share))


def test_without_prices_there_is_no_bill(run: Runner, bundle: Path, files: tuple[Path, Path]) -> None:
    result = run(*arguments(bundle, files, "--cost", "0.4"))

    assert result.code == 2
    assert "240 of 240 outcomes have no cost_usd" in result.err


def test_answers_of_unknown_length_are_refused_or_assumed(run: Runner, bundle: Path, tmp_path: Path) -> None:
    queries, outcomes = draw_rows(N)
    for row in outcomes:
        del row["response"]
    files = write_rows(tmp_path / "q", queries), write_rows(tmp_path / "o", outcomes)
    options = ("--cost", "0.4", "--price-small", "1", "--price-large", "10", "--dry-run", "--json")

    refused = run(*arguments(bundle, files, *options))
    assumed = run(*arguments(bundle, files, *options, "--answer-tokens", "200"))

    assert refused.code == 2
    assert "has neither completion_tokens nor a response" in refused.err
    assert "200 a text where there is none" in document_of(assumed)["basis_of_cost"]


@pytest.mark.parametrize("prices", [("--price-small", "1"), ("--price-small", "x", "--price-large", "1")])
def test_prices_that_are_none_are_refused(
    run: Runner, bundle: Path, files: tuple[Path, Path], prices: tuple[str, ...]
) -> None:
    assert run(*arguments(bundle, files, "--cost", "0.4", *prices)).code == 2


def test_a_configuration_without_these_models_is_said(
    run: Runner, bundle: Path, files: tuple[Path, Path], file: str
) -> None:
    result = run(*arguments(bundle, files, "--cost", "0.4", "--config", file))

    assert result.code == 2
    assert "has the model small, large; its models are m, n" in result.err


def test_a_threshold_that_would_cross_another_one_is_not_written(
    run: Runner, bundle: Path, files: tuple[Path, Path]
) -> None:
    raw = bundle.read_bytes()

    result = run(*arguments(bundle, files, "--large-share", "0.0", "--name", "quality"))

    assert result.code == 2
    assert "quality would be 10, above balanced, which is 5" in result.err
    assert bundle.read_bytes() == raw


def test_people_are_told_what_is_achieved_and_where_it_is_written(
    run: Runner, bundle: Path, files: tuple[Path, Path]
) -> None:
    result = run(*arguments(bundle, files, "--quality", "0.8"))

    assert result.code == 0
    assert "quality 80.0%: complexity up to" in result.out
    assert "share to large" in result.out
    assert f"n = {N} in {N} groups" in result.out
    assert f"written to {bundle}" in result.out


def test_data_that_trained_the_bundle_are_warned_of(run: Runner, tmp_path: Path, files: tuple[Path, Path]) -> None:
    digest = hash_dataset(read_dataset(*files).dataset)
    source = TrainingSource(name="own", sha256=digest, n_queries=N, licence="own")
    write_bundle(tmp_path / "own", WORDS, sources=(source,))

    result = run(*arguments(tmp_path / "own", files, "--large-share", "0.2", "--json"))

    assert "was trained on these very data" in result.err
    assert len(document_of(result)["warnings"]) == 1


def test_requests_of_one_complexity_cannot_be_parted_and_that_is_said(
    run: Runner, tmp_path: Path, files: tuple[Path, Path]
) -> None:
    write_bundle(tmp_path / "flat", {"nothing": 1.0})

    result = run(*arguments(tmp_path / "flat", files, "--large-share", "0.5", "--json"))

    assert document_of(result)["here"]["share_to_large"] == 0.0
    assert "the nearest that a threshold comes to large-share 50.0% is 0.0%" in result.err
