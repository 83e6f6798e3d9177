"""Add up the tests of several runs of pytest, as `N passed, M failed`.

Usage: count_tests.py FOLDER RUN...

FOLDER holds one `RUN.xml` per run, in JUnit's form. A run that left none did not come to its end: it counts as one
failed test, so that a crash can never look like a success.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass(frozen=True, slots=True)
class Count:
    """Tests that were run; skipped ones are neither."""

    n_passed: int
    n_failed: int

    def __str__(self) -> str:
        """The line that closes a run."""
        return f"{self.n_passed} passed, {self.n_failed} failed"


def count_run(report: Path) -> Count:
    """Count one run; a missing or broken report is one failure."""
    try:
        root = ET.parse(report).getroot()  # noqa: S314 - written a moment ago by our own pytest
    except (OSError, ET.ParseError):
        return Count(0, 1)
    n_passed = n_failed = 0
    for case in root.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            n_failed += 1
        elif case.find("skipped") is None:
            n_passed += 1
    return Count(n_passed, n_failed)


def main(arguments: Sequence[str]) -> int:
    """Print the sum over all runs; the exit code says whether any test failed or none was run."""
    folder, runs = Path(arguments[0]), arguments[1:]
    counts = [count_run(folder / f"{run}.xml") for run in runs]
    total = Count(sum(count.n_passed for count in counts), sum(count.n_failed for count in counts))
    print(total)
    return 0 if total.n_passed and not total.n_failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
