"""Runs of the command line in this process."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from suffice.cli import main

ROUTING_FILE = """\
tiers:
  - {name: small, model: m, base_urls: ["http://127.0.0.1:1/v1"], price: {input: 1, output: 1}}
  - {name: large, model: n, base_urls: ["http://127.0.0.1:2/v1"], price: {input: 2, output: 2}}
scorer: {kind: length}
routing: {mode: route, max_complexity: {small: 1.0}}
server: {port: 0}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a run ended, and what it said."""

    code: int
    out: str
    err: str


Runner = Callable[..., Run]


def make_runner(capsys: pytest.CaptureFixture[str]) -> Runner:
    def run(*arguments: str) -> Run:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        captured = capsys.readouterr()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return Run(code=code or 0, out=captured.out, err=captured.err)

    return run
