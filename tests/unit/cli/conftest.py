from pathlib import Path

import pytest
from command_runs import ROUTING_FILE, Runner, make_runner


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runner:
    return make_runner(capsys)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "suffice.yaml"
    path.write_text(ROUTING_FILE, "utf-8")
    return str(path)
