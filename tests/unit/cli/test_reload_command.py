import pytest
from command_runs import Runner

from suffice.cli import reload


def test_no_gateway_is_told_without_a_traceback(run: Runner) -> None:
    result = run("reload", "--gateway", "http://127.0.0.1:1")

    assert result.code == 1
    assert "no gateway answers at http://127.0.0.1:1/admin/reload" in result.err


def test_a_key_that_is_not_there_is_told(run: Runner) -> None:
    assert run("reload", "--key-env", "NO_SUCH_VARIABLE_HERE").code == 2


def test_what_is_in_force_is_told_with_its_configuration_also_without_a_bundle(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"reloaded": True, "configuration": "b8ec064ce0b1", "scorer": "length-1", "id": None, "path": None}

    def answer(*_: object, **__: object) -> dict[str, object]:
        return {**told, "max_complexity": {"small": 4.5}}

    monkeypatch.setattr(reload, "ask", answer)
    result = run("reload")

    assert result.code == 0
    assert "b8ec064ce0b1" in result.out
    assert "small 4.5" in result.out
    assert "None" not in result.out
