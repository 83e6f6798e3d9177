import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from suffice.cli.demo import demo


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(demo)
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(("arguments", "n"), [((), 499), (("--split", "train"), 279)])
def test_the_list_shows_all_prompts_or_the_split_asked_for(arguments: tuple[str, ...], n: int) -> None:
    result = run("--list", *arguments)

    assert result.exit_code == 0
    assert len(result.output.splitlines()) == n


def test_the_list_as_json_can_be_read_by_programs() -> None:
    result = run("--list", "--json", "--limit", "3")

    lines = [msgspec.json.decode(line) for line in result.output.splitlines()]
    assert [line["id"] for line in lines] == ["w0000", "w0001", "w0002"]
    assert set(lines[0]) >= {"messages", "max_tokens", "check"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--rate", "0"), "--rate: 0.0: must be a positive number"),
        (("--slots", "0", "--limit", "0"), "2 mistakes in the command line"),
        (("--small", "http://127.0.0.1:1"), "needs both --small URL and --large URL"),
        (("--large-model", "m"), "needs both --small URL and --large URL"),
        (
            ("--small", "http://127.0.0.1:1", "--large", "http://127.0.0.1:1", "--speedup", "2"),
            "live servers run at their own speed",
        ),
        (("--small", "http://127.0.0.1:1", "--large", "http://127.0.0.1:1"), "does not list its models"),
    ],
)
def test_what_cannot_be_run_ends_with_a_reason_and_no_traceback(arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output
