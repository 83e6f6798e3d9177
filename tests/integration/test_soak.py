"""The soak itself, in short: benchmarks/soak.py judges, and its exit code says what it found."""

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


@pytest.mark.load
@pytest.mark.timeout(300)
def test_a_minute_of_faults_at_random_loses_nothing_and_leaks_nothing() -> None:
    done = subprocess.run(
        [sys.executable, str(SOAK), "--minutes", "1", "--load", "0.4"],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    sys.stdout.write(done.stderr)
    assert done.returncode == 0, done.stderr
