import json
from pathlib import Path
from typing import Any

import pytest
from command_runs import Run, Runner

from suffice.estimators.bundle import TrainingSource, load, previous_of
from suffice.lab.dataset import hash_dataset, read_dataset
from suffice.testing.bundles import write_bundle
from suffice.testing.datasets import write_outcomes

N = 200
GOOD = {"prove": 2.0, "list": -2.0}
BAD = {"prove": -2.0, "list": 2.0}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_outcomes(tmp_path, N)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "good", GOOD)
    return tmp_path / "good"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bad", BAD)
    return tmp_path / "bad"


def promote(run: Runner, candidate: Path, to: Path, files: tuple[Path, Path] | None, *more: str) -> Run:
    data = [] if files is None else ["--queries", str(files[0]), "--outcomes", str(files[1])]
    pair = ["--small", "small", "--large", "large", "--resamples", "50"]
    return run("promote", str(candidate), "--to", str(to), *data, *pair, *more)


def put(source: Path, to: Path) -> Path:
    to.write_bytes(source.read_bytes())
    return to


def test_a_better_bundle_replaces_the_one_in_force_which_is_kept(
    run: Runner, tmp_path: Path, good: Path, bad: Path, files: tuple[Path, Path]
) -> None:
    to = put(bad, tmp_path / "live")

    result = promote(run, good, to, files)

    assert result.code == 0, result.err
    assert to.read_bytes() == good.read_bytes()
    assert previous_of(to).read_bytes() == bad.read_bytes()
    assert "APGR (more is better)" in result.out
    assert f"bundle {load(good).id} is in force at {to}" in result.out
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_worse_bundle_is_refused_with_every_reason(
    run: Runner, tmp_path: Path, good: Path, bad: Path, files: tuple[Path, Path]
) -> None:
    to = put(good, tmp_path / "live")

    result = promote(run, bad, to, files)

    assert result.code == 1
    assert to.read_bytes() == good.read_bytes()
    assert not previous_of(to).exists()
    assert "its APGR is worse: -" in result.err
    assert "its Brier score is worse: +" in result.err


def test_force_promotes_it_all_the_same(
    run: Runner, tmp_path: Path, good: Path, bad: Path, files: tuple[Path, Path]
) -> None:
    to = put(good, tmp_path / "live")

    result = promote(run, bad, to, files, "--force")

    assert result.code == 0
    assert to.read_bytes() == bad.read_bytes()
    assert "promoted by --force, although its APGR is worse" in result.err


def test_an_equal_bundle_may_replace_the_one_in_force(
    run: Runner, tmp_path: Path, good: Path, files: tuple[Path, Path]
) -> None:
    write_bundle(tmp_path / "equal", GOOD, metrics={"apgr": 0.6})
    to = put(good, tmp_path / "live")

    assert promote(run, tmp_path / "equal", to, files).code == 0


def test_the_first_bundle_needs_nothing_to_beat(
    run: Runner, tmp_path: Path, good: Path, files: tuple[Path, Path]
) -> None:
    result = promote(run, good, tmp_path / "live", files, "--json")

    assert result.code == 0
    document = json.loads(result.out)
    assert (document["promoted"], document["in_force"], document["n"]) == (True, None, N)
    assert "difference" not in document["figures"]["apgr"]
    assert (tmp_path / "live").read_bytes() == good.read_bytes()


def test_not_even_the_first_bundle_may_be_below_chance(
    run: Runner, tmp_path: Path, bad: Path, files: tuple[Path, Path]
) -> None:
    result = promote(run, bad, tmp_path / "live", files)

    assert result.code == 1
    assert "its APGR is surely below chance" in result.err
    assert not (tmp_path / "live").exists()


def test_json_has_both_figures_and_their_paired_difference(
    run: Runner, tmp_path: Path, good: Path, bad: Path, files: tuple[Path, Path]
) -> None:
    result = promote(run, bad, put(good, tmp_path / "live"), files, "--json")

    document: dict[str, Any] = json.loads(result.out)
    apgr = document["figures"]["apgr"]
    assert apgr["difference"] == pytest.approx(apgr["candidate"] - apgr["in_force"])
    assert apgr["difference_ci"][1] < 0
    assert document["figures"].keys() == {"apgr", "brier", "ece"}
    assert len(document["faults"]) == 2
    assert result.code == 1


def test_the_bundle_of_before_can_be_put_back_and_that_be_taken_back_too(
    run: Runner, tmp_path: Path, good: Path, bad: Path, files: tuple[Path, Path]
) -> None:
    to = put(bad, tmp_path / "live")
    promote(run, good, to, files)

    first = run("promote", "--to", str(to), "--rollback")
    after_first = to.read_bytes()
    second = run("promote", "--to", str(to), "--rollback", "--json")

    assert (first.code, second.code) == (0, 0)
    assert after_first == bad.read_bytes()
    assert to.read_bytes() == good.read_bytes()
    assert json.loads(second.out)["in_force"] == load(good).id


def test_without_a_bundle_of_before_there_is_nothing_to_go_back_to(run: Runner, tmp_path: Path, good: Path) -> None:
    to = put(good, tmp_path / "live")

    result = run("promote", "--to", str(to), "--rollback")

    assert result.code == 2
    assert "there is nothing to go back to" in result.err


def test_the_same_bundle_does_not_push_out_the_one_of_before(
    run: Runner, tmp_path: Path, good: Path, bad: Path, files: tuple[Path, Path]
) -> None:
    to = put(bad, tmp_path / "live")
    promote(run, good, to, files)

    again = promote(run, good, to, files)

    assert again.code == 0
    assert "is in force already" in again.out
    assert previous_of(to).read_bytes() == bad.read_bytes()


def test_without_outcomes_only_force_promotes(run: Runner, tmp_path: Path, good: Path, bad: Path) -> None:
    to = put(bad, tmp_path / "live")

    refused, forced = promote(run, good, to, None), promote(run, good, to, None, "--force")

    assert (refused.code, forced.code) == (1, 0)
    assert "nothing says that" in refused.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": ("tiny", "huge")}, "it was trained for tiny, huge, not for small, large"),
        ({"thresholds": {}}, "it has no threshold balanced, which the one in force has"),
    ],
)
def test_what_would_break_the_gateway_is_refused(
    run: Runner, tmp_path: Path, files: tuple[Path, Path], options: dict[str, Any], message: str
) -> None:
    write_bundle(tmp_path / "live", GOOD, thresholds={"balanced": 5.0})
    stated: dict[str, Any] = {"thresholds": {"balanced": 4.0}, **options}
    write_bundle(tmp_path / "new", {**GOOD, "maps": 0.1}, **stated)

    result = promote(run, tmp_path / "new", tmp_path / "live", files)

    assert result.code == 1
    assert message in result.err


def test_data_that_trained_the_candidate_prove_nothing(
    run: Runner, tmp_path: Path, bad: Path, files: tuple[Path, Path]
) -> None:
    digest = hash_dataset(read_dataset(*files).dataset)
    source = TrainingSource(name="own", sha256=digest, n_queries=N, licence="own")
    write_bundle(tmp_path / "new", GOOD, sources=(source,))

    result = promote(run, tmp_path / "new", put(bad, tmp_path / "live"), files)

    assert result.code == 1
    assert "was trained on these very data" in result.err


@pytest.mark.parametrize("raw", [b"", b"{}", b"\x00" * 200])
def test_a_candidate_that_is_no_bundle_is_refused(
    run: Runner, tmp_path: Path, good: Path, files: tuple[Path, Path], raw: bytes
) -> None:
    to = put(good, tmp_path / "live")
    (tmp_path / "new").write_bytes(raw)

    results = [promote(run, tmp_path / "new", to, files), promote(run, tmp_path / "new", to, files, "--force")]

    assert [result.code for result in results] == [2, 2]
    assert to.read_bytes() == good.read_bytes()


def test_a_candidate_that_is_cut_or_altered_is_refused(
    run: Runner, tmp_path: Path, good: Path, bad: Path, files: tuple[Path, Path]
) -> None:
    to = put(good, tmp_path / "live")
    raw = bad.read_bytes()
    for damaged in (raw[:-100], raw[:-1] + bytes([raw[-1] ^ 1])):
        (tmp_path / "new").write_bytes(damaged)

        result = promote(run, tmp_path / "new", to, files)

        assert result.code == 2
        assert "bundle" in result.err
    assert to.read_bytes() == good.read_bytes()


def test_a_damaged_bundle_in_force_is_replaced_by_force_alone(
    run: Runner, tmp_path: Path, good: Path, files: tuple[Path, Path]
) -> None:
    to = tmp_path / "live"
    to.write_bytes(b"damaged")

    refused, forced = promote(run, good, to, files), promote(run, good, to, files, "--force")

    assert (refused.code, forced.code) == (1, 0)
    assert "the bundle in force cannot be compared with" in refused.err
    assert to.read_bytes() == good.read_bytes()


def test_options_that_do_not_go_together_are_refused(run: Runner, tmp_path: Path, good: Path) -> None:
    to = str(tmp_path / "live")

    runs = [
        run("promote", "--to", to),
        run("promote", str(good), "--to", to, "--rollback"),
        run("promote", str(good), "--to", to, "--queries", str(good)),
    ]

    assert [result.code for result in runs] == [2, 2, 2]


def test_a_bundle_that_was_removed_meanwhile_can_be_put_back(
    run: Runner, tmp_path: Path, good: Path, bad: Path, files: tuple[Path, Path]
) -> None:
    to = put(bad, tmp_path / "live")
    promote(run, good, to, files)
    to.unlink()

    result = run("promote", "--to", str(to), "--rollback")

    assert result.code == 0
    assert to.read_bytes() == bad.read_bytes()
    assert not previous_of(to).exists()
