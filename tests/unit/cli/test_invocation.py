import sys
from pathlib import Path

import msgspec
import pytest

from suffice.cli.invocation import Invocation
from suffice.cli.workers import Place, worker_command
from suffice.errors import ConfigError

PLACE = Place(number=2, n_workers=3, channel=7, host="::1", port=4711)
PLAIN = Invocation(path=Path("s.yaml"), host=None, port=None, workers=None, log_level="info", allow_open=False)
FULL = Invocation(path=Path("s.yaml"), host="0.0.0.0", port=0, workers=3, log_level="info", allow_open=True)


def test_a_worker_gets_the_command_line_as_it_was_given_and_no_more() -> None:
    assert PLAIN.arguments() == ["--config", "s.yaml", "--log-level", "info"]
    assert FULL.arguments() == [
        *("--config", "s.yaml", "--host", "0.0.0.0", "--port", "0", "--workers", "3"),
        *("--log-level", "info", "--allow-open"),
    ]


def test_a_worker_is_told_its_place() -> None:
    command = worker_command(PLAIN, PLACE)

    assert msgspec.json.decode(command[-1], type=Place) == PLACE
    assert (command[0], "--allow-open" in command) == (sys.executable, False)


@pytest.mark.parametrize(("first", "isolated"), [("", False), (str(Path.cwd()), False), ("/usr/local/bin", True)])
def test_a_worker_looks_for_modules_where_this_process_does(
    monkeypatch: pytest.MonkeyPatch, first: str, *, isolated: bool
) -> None:
    monkeypatch.setattr(sys, "path", [first, *sys.path])

    assert ("-P" in worker_command(PLAIN, PLACE)) == isolated


def test_an_address_for_everybody_needs_a_key_or_the_words(file: str) -> None:
    given = Invocation(path=Path(file), host="0.0.0.0", port=None, workers=2, log_level="info", allow_open=False)

    with pytest.raises(ConfigError, match="is reachable by others without a key"):
        given.read()
