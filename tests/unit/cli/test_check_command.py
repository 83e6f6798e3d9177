import json
from pathlib import Path

import pytest
from command_runs import Runner

from suffice.testing.bundles import write_random_bundle

EIGHT_MISTAKES = """\
tiers:
  - name: small
    model: 8
    base_urls: ["localhost:8000"]
  - name: large
    model: llama-70b
    base_urls: ["http://127.0.0.1:8001/v1"]
    api_key_env: NO_SUCH_VARIABLE_HERE
    price: {input: -1}
routing: {mode: of}
cache: {enabled: yes}
server: {prot: 80}
auth: {keys: [{name: k, hash: plain-secret}]}
"""
SOUND = """\
tiers:
  - {name: small, model: "[b]m[/b]", base_urls: ["http://127.0.0.1:1/v1"], price: {input: 1, output: 1}}
  - {name: large, model: n, tape: {model: smollm2-135m}, price: {input: 2, output: 2}}
scorer: {kind: length}
routing: {max_complexity: {small: 1.0}}
"""


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "suffice.yaml"
    path.write_text(SOUND, "utf-8")
    return path


def test_eight_mistakes_are_printed_with_path_line_value_and_remedy(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "suffice.yaml"
    path.write_text(EIGHT_MISTAKES, "utf-8")

    result = run("check", str(path))

    assert result.code == 2
    assert "8 mistakes in" in result.err
    rows = {line.split("│")[1].strip(): line for line in result.err.splitlines() if line.startswith("│")}
    for where, line, value, remedy in (
        ("tiers[0].model", "3", "8", "put it in quotes"),
        ("tiers[0].base_urls[0]", "4", "'localhost:8000'", "http://"),
        ("tiers[1].api_key_env", "8", "'NO_SUCH_VARIABLE_HERE'", "is not set"),
        ("tiers[1].price.input", "9", "-1", "of at least 0"),
        ("routing.mode", "10", "'of'", "one of observe, canary, route"),
        ("cache.enabled", "11", "'yes'", "true or false"),
        ("server.prot", "12", "80", "did you mean 'port'?"),
        ("auth.keys[0].hash", "13", "masked", "of the form sha256"),
    ):
        cells = [cell.strip() for cell in rows[where].split("│")]
        assert cells[2] == line
        assert value in cells[3]
        assert remedy in cells[4]
    assert "plain-secret" not in result.err


def test_mistakes_are_told_to_machines_too(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "suffice.yaml"
    path.write_text(EIGHT_MISTAKES, "utf-8")

    result = run("check", str(path), "--json")

    document = json.loads(result.out)
    assert (result.code, document["ok"], len(document["mistakes"])) == (2, False, 8)
    assert set(document["mistakes"][0]) == {"path", "line", "value", "remedy"}


def test_a_sound_file_shows_its_tiers(run: Runner, sound: Path) -> None:
    result = run("check", str(sound), "--no-ping")

    assert result.code == 0
    assert "[b]m[/b]" in result.out
    assert "tape smollm2-135m" in result.out
    assert "no mistakes" in result.out


def test_a_replica_that_does_not_answer_ends_with_1(run: Runner, sound: Path) -> None:
    result = run("check", str(sound), "--json")

    document = json.loads(result.out)
    assert (result.code, document["ok"]) == (1, False)
    assert [(replica["tier"], replica["problem"]) for replica in document["replicas"]] == [
        ("small", "cannot be reached: nobody listens there")
    ]


def test_a_scorer_that_cannot_be_built_is_a_mistake(run: Runner, sound: Path) -> None:
    sound.write_text(SOUND.replace("kind: length", "kind: exemplars, encoder: minilm, encoder_path: nowhere"), "utf-8")

    result = run("check", str(sound), "--no-ping", "--json")

    assert result.code == 2
    assert json.loads(result.out)["mistakes"]


def test_open_addresses_can_be_meant(run: Runner, sound: Path) -> None:
    sound.write_text(SOUND + "server: {host: 0.0.0.0}\n", "utf-8")

    assert run("check", str(sound), "--no-ping").code == 2
    assert run("check", str(sound), "--no-ping", "--allow-open").code == 0


def learned(sound: Path) -> Path:
    sound.write_text(SOUND.replace("kind: length", "kind: learned, bundle: b"), "utf-8")
    return sound


def test_a_bundle_is_shown_with_what_it_was_trained_to(run: Runner, sound: Path) -> None:
    bundle = write_random_bundle(sound.with_name("b"), models=("[b]m[/b]", "n"), thresholds={"balanced": 3.0})

    shown = run("check", str(learned(sound)), "--no-ping")
    document = json.loads(run("check", str(sound), "--no-ping", "--json").out)

    assert shown.code == 0
    assert bundle.id in shown.out
    assert "your own outcomes" in shown.out
    assert "balanced 3" in shown.out
    assert "wins over the 3" in shown.out
    assert document["bundle"] == {
        "id": bundle.id,
        "created": "2026-11-23",
        "generic": False,
        "models": ["[b]m[/b]", "n"],
        "tiers": {"[b]m[/b]": "small", "n": "large"},
        "thresholds": {"balanced": 3.0},
        "metrics": {"apgr": 0.7},
    }
    assert "routing.max_complexity.small" in [warning["path"] for warning in document["warnings"]]


def test_a_generic_bundle_of_other_models_is_shown_as_such(run: Runner, sound: Path) -> None:
    write_random_bundle(sound.with_name("b"), models=("x", "y"), generic=True)

    shown = run("check", str(learned(sound)), "--no-ping")

    assert shown.code == 0
    assert "it is generic" in shown.out
    assert "x (no tier here), y (no tier here)" in shown.out
    assert "not calibrated" in shown.out


@pytest.mark.parametrize("content", [None, b"", b"\x40\0\0\0\0\0\0\0{}", b"x" * 1_000])
def test_a_bundle_that_cannot_be_used_is_a_mistake(run: Runner, sound: Path, content: bytes | None) -> None:
    if content is not None:
        sound.with_name("b").write_bytes(content)

    result = run("check", str(learned(sound)), "--no-ping", "--json")

    assert result.code == 2
    assert [mistake["path"] for mistake in json.loads(result.out)["mistakes"]] == ["scorer.bundle"]


def test_without_a_bundle_there_is_none_to_show(run: Runner, sound: Path) -> None:
    assert json.loads(run("check", str(sound), "--no-ping", "--json").out)["bundle"] is None
