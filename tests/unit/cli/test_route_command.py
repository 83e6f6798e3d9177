import io
import json
from pathlib import Path

import pytest
from command_runs import ROUTING_FILE, Runner

from suffice.scoring.learned import load_learned
from suffice.testing.bundles import write_random_bundle
from suffice.vocabulary import Turn


def test_the_decision_is_shown_with_its_reason(run: Runner, file: str) -> None:
    result = run("route", "Hello", "--config", file)

    shown = {
        cells[1].strip(): cells[2].strip() for line in result.out.splitlines() if len(cells := line.split("│")) > 2
    }
    assert result.code == 0
    assert (shown["tier"], shown["reason"]) == ("small", "suffices")
    assert shown["max_complexity.small"] == "1"


def test_a_long_prompt_can_come_by_standard_input(run: Runner, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = io.TextIOWrapper(io.BytesIO(b"Prove every step of it, please. " * 400), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", prompt)

    decision = json.loads(run("route", "-", "--config", file, "--json").out)

    assert (decision["tier"], decision["reason"]) == ("large", "hard")


def rows_of(text: str) -> dict[str, list[str]]:
    """The cells of each row by its first one."""
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]
    return {cells[0]: cells[1:] for cells in lines}


def test_a_bundle_scores_a_prompt_without_a_gateway_or_a_file(run: Runner, tmp_path: Path) -> None:
    thresholds = {"quality": 0.0, "cheap": 10.0}
    bundle = write_random_bundle(tmp_path / "b", models=("tiny", "huge"), thresholds=thresholds)

    document = json.loads(run("route", "Prove that zebras sleep.", "--bundle", str(tmp_path / "b"), "--json").out)

    learned = load_learned(tmp_path / "b", {})
    turn = Turn(text="Prove that zebras sleep.", n_tokens=1)
    assert document["complexity"] == learned.score(turn).complexity
    assert document["explanation"] == pytest.approx(dict(learned.explain(turn)))
    assert (document["bundle"], list(document["p_ok"])) == (bundle.id, ["tiny", "huge"])
    assert (document["thresholds"], document["first"]["cheap"]) == (thresholds, "tiny")
    assert document["first"]["quality"] == ("tiny" if document["complexity"] == 0 else "huge")


def test_what_moved_the_score_is_shown_with_its_sign_and_strength(run: Runner, tmp_path: Path) -> None:
    write_random_bundle(tmp_path / "b")

    result = run("route", "Prove that zebras sleep.", "--bundle", str(tmp_path / "b"))

    explanation = load_learned(tmp_path / "b", {}).explain(Turn(text="Prove that zebras sleep.", n_tokens=1))
    rows = rows_of(result.out)
    strongest, value = next(iter(explanation.items()))
    assert rows[strongest] == [f"{100 * value:+.2f}", ("+" if value > 0 else "-") * 20]
    assert set(explanation) <= set(rows)
    assert "explanation.zebras" not in rows


def test_a_file_with_a_bundle_decides_and_explains(run: Runner, tmp_path: Path) -> None:
    bundle = write_random_bundle(tmp_path / "b", models=("m", "n"))
    path = tmp_path / "suffice.yaml"
    path.write_text(ROUTING_FILE.replace("kind: length", "kind: learned, bundle: b"), "utf-8")

    document = json.loads(run("route", "Prove it.", "--config", str(path), "--json").out)
    shown = run("route", "Prove it.", "--config", str(path)).out

    assert (document["bundle"], list(document["p_ok"])) == (bundle.id, ["small", "large"])
    assert set(document["explanation"]) <= set(rows_of(shown))


def test_a_file_that_is_no_bundle_is_told_without_a_traceback(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"nothing")

    result = run("route", "Prove it.", "--bundle", str(tmp_path / "b"))

    assert result.code == 2
    assert "is no bundle" in result.err
    assert "Traceback" not in result.err


def test_a_bundle_beside_a_file_is_one_too_many(run: Runner, file: str) -> None:
    result = run("route", "Prove it.", "--bundle", "b", "--config", file)

    assert result.code == 2
    assert "keep one of them" in result.err
