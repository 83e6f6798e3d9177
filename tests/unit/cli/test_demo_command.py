import msgspec
import pytest

from suffice.cli import main


def run(*arguments: str) -> int | str | None:
    """Run `suffice demo`; returns its exit status."""
    with pytest.raises(SystemExit) as caught:
        main(["demo", *arguments])
    return caught.value.code


@pytest.mark.parametrize(("arguments", "n"), [((), 499), (("--split", "train"), 279)])
def test_the_list_shows_all_prompts_or_the_split_asked_for(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], n: int
) -> None:
    status = run("--list", *arguments)

    assert status == 0
    assert len(capsys.readouterr().out.splitlines()) == n


def test_the_list_as_json_can_be_read_by_programs(capsys: pytest.CaptureFixture[str]) -> None:
    run("--list", "--json", "--limit", "3")

    lines = [msgspec.json.decode(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == ["w0000", "w0001", "w0002"]
    assert set(lines[0]) >= {"messages", "max_tokens", "check"}


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--rate", "0"), 2, "must be a positive number"),
        (("--slots", "0", "--limit", "0"), 2, "2 mistakes in the command line"),
        (("--small", "http://127.0.0.1:1"), 2, "needs both --small URL and --large URL"),
        (("--large-model", "m"), 2, "needs both --small URL and --large URL"),
        (
            ("--small", "http://127.0.0.1:1", "--large", "http://127.0.0.1:1", "--speedup", "2"),
            2,
            "live servers run at their own speed",
        ),
        (("--small", "http://127.0.0.1:1", "--large", "http://127.0.0.1:1"), 1, "does not list its models"),
    ],
)
def test_what_cannot_be_run_ends_with_a_reason_and_no_traceback(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], status: int, said: str
) -> None:
    left = run(*arguments)

    said_at_all = capsys.readouterr().err
    assert left == status
    assert said in said_at_all
    assert "Traceback" not in said_at_all
