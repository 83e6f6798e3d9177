from pathlib import Path

from command_runs import ROUTING_FILE, Runner


def test_verify_cannot_guess_a_port_that_is_free_to_change(run: Runner, file: str) -> None:
    result = run("verify", file)

    assert result.code == 2
    assert "give it with --gateway" in result.err


def test_verify_has_nothing_to_compare_a_tape_with(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "taped.yaml"
    path.write_text(
        ROUTING_FILE.replace('base_urls: ["http://127.0.0.1:1/v1"]', "tape: {model: smollm2-135m}"), "utf-8"
    )

    result = run("verify", str(path), "--gateway", "http://127.0.0.1:1")

    assert result.code == 2
    assert "plays a tape" in result.err


def test_verify_says_when_the_upstream_does_not_answer(run: Runner, file: str) -> None:
    result = run("verify", file, "--gateway", "http://127.0.0.1:1")

    assert result.code == 1
    assert "no answer from http://127.0.0.1:1/v1/chat/completions" in result.err
    assert "see `suffice check`" in result.err
