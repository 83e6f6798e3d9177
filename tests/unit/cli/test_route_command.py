import io
import json

import pytest
from command_runs import Runner


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
