import pytest
from command_runs import Runner


@pytest.mark.parametrize(
    "arguments", [("watch",), ("route", "--percent", "5"), ("canary", "--percent", "101"), ("--gateway", "nowhere")]
)
def test_mode_refuses_what_it_cannot_mean(run: Runner, arguments: tuple[str, ...]) -> None:
    assert run("mode", *arguments).code == 2


def test_a_key_that_is_not_in_the_environment_is_told(run: Runner) -> None:
    result = run("mode", "--key-env", "NO_SUCH_VARIABLE_HERE")

    assert result.code == 2
    assert "put the gateway's API key into" in result.err
