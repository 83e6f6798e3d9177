import pytest
from command_runs import Runner

from suffice import __version__
from suffice.cli import COMMANDS


def test_the_version_is_told(run: Runner) -> None:
    result = run("--version")

    assert (result.code, result.out) == (0, f"suffice {__version__}\n")


def test_help_lists_every_command(run: Runner) -> None:
    result = run("--help")

    listed = [line.split()[0] for line in result.out.partition("Commands:")[2].splitlines() if line.strip()]
    assert result.code == 0
    assert set(COMMANDS) <= set(listed)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Runner, command: str) -> None:
    result = run(command, "--help")

    assert result.code == 0
    assert f"suffice {command}" in result.out


def test_an_unknown_command_is_refused(run: Runner) -> None:
    result = run("chuck")

    assert result.code == 2
    assert "No such command 'chuck'" in result.err


def test_mistakes_in_a_file_end_with_2_and_no_traceback(run: Runner) -> None:
    result = run("check", "no-such-file.yaml")

    assert result.code == 2
    assert "no-such-file.yaml" in result.err
    assert "`suffice init` writes one" in result.err
    assert "Traceback" not in result.err


def test_a_gateway_that_is_not_there_ends_with_1_and_no_traceback(run: Runner) -> None:
    result = run("mode", "--gateway", "http://127.0.0.1:1")

    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: no gateway answers at http://127.0.0.1:1/admin/mode")
    assert "Traceback" not in result.err
