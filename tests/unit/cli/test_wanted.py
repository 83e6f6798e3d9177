import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from suffice.cli.wanted import Wanted
from suffice.cli.workers import Place, worker_command
from suffice.errors import ConfigError

PLACE = Place(number=2, n_workers=3, channel=7, host="::1", port=4711)
PLAIN = Wanted(path=Path("s.yaml"), host=None, port=None, workers=None, log_level="info", allow_open=False)
FULL = Wanted(path=Path("s.yaml"), host="0.0.0.0", port=0, workers=3, log_level="info", allow_open=True)


def test_a_worker_gets_the_command_line_as_it_was_given_and_no_more() -> None:
    assert PLAIN.arguments() == ["--config", "s.yaml", "--log-level", "info"]
    assert FULL.arguments() == [
        *("--config", "s.yaml", "--host", "0.0.0.0", "--port", "0", "--workers", "3"),
        *("--log-level", "info", "--allow-open"),
    ]


def test_a_worker_listens_as_the_gateway_did_when_it_was_started_whatever_the_file_says_now(file: str) -> None:
    place = msgspec.structs.replace(PLACE, tls_certificate="a.pem", tls_key="k.pem")
    config = replace(PLAIN, path=Path(file), port=9).read().config

    server = place.listening(config).server

    assert (server.host, server.port, server.tls_certificate, server.tls_key) == ("::1", 4711, "a.pem", "k.pem")


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
    given = Wanted(path=Path(file), host="0.0.0.0", port=None, workers=2, log_level="info", allow_open=False)

    with pytest.raises(ConfigError, match="is reachable by others without a key"):
        given.read()
