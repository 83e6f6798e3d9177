"""The benchmark of the data plane from end to end, in its shortest form; its figures are not looked at."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from plane.debian import NEEDED, find
from plane.ours import CACHED, FRESH
from plane.results import Results
from plane.rounds import SCENARIOS

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "data_plane.py"


@pytest.mark.load
@pytest.mark.timeout(600)
@pytest.mark.skipif(not all(map(find, NEEDED)), reason="needs wrk and nginx")
def test_every_scenario_is_measured_and_every_answer_is_counted(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    options = ["--rounds", "1", "--seconds", "1", "--prompts", "200", "--json", str(figures)]

    ended = subprocess.run(
        [sys.executable, str(SCRIPT), *options], capture_output=True, text=True, timeout=580, check=False
    )

    assert ended.returncode == 0, ended.stderr
    results = msgspec.json.decode(figures.read_bytes(), type=Results)
    assert {one.scenario for one in results.comparisons if one.contestant == FRESH} == {one.name for one in SCENARIOS}
    assert all(one.agrees and one.n_answers > 0 for one in results.comparisons)
    assert results.find_latency(FRESH, 64) is not None
    assert {FRESH, CACHED} <= results.rss_mb.keys()
    assert sum(results.dropped_records.values()) == 0
