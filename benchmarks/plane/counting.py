"""Instructions of the pure parts, counted by valgrind: figures that a busy machine cannot move."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from plane.processes import own_path

MARK = "getpgid"
TIMEOUT_S = 900.0


class CountingError(Exception):
    """Counting is not possible here; says why in one line."""


def count(n_requests: int, folder: Path) -> list[float]:
    """Instructions per request of every part, in their order, the first one taken off the others.

    Raises:
        CountingError: valgrind is missing, or failed.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise CountingError("valgrind is not installed; apt-get install valgrind")
    output = folder / "callgrind.out"
    options = ["--tool=callgrind", f"--callgrind-out-file={output}", f"--dump-before={MARK}"]
    ended = subprocess.run(
        [*_fixed_addresses(), valgrind, *options, sys.executable, "-m", "plane.pure_parts", str(n_requests)],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if ended.returncode:
        lines = ended.stderr.splitlines()
        raise CountingError(f"valgrind failed: {lines[-1] if lines else 'it said nothing'}")
    return per_request(read_dumps(folder, output.name), n_requests)


def read_dumps(folder: Path, name: str) -> list[int]:
    """Instructions between each mark and the one before it, from the files that callgrind wrote at the marks."""
    found = sorted((int(path.suffix[1:]), path) for path in folder.glob(f"{name}.*"))
    return [parse_total(path.read_text(encoding="utf-8", errors="replace")) for _, path in found]


def parse_total(text: str) -> int:
    """The sum in a callgrind file."""
    line = next(line for line in text.splitlines() if line.startswith("totals:"))
    return int(line.split()[1])


def per_request(dumps: Sequence[int], n_requests: int) -> list[float]:
    """What each part takes per request.

    Args:
        dumps: By turns what came before a part, such as its warming up, and the part itself.
        n_requests: How often each part was done.
    """
    parts = dumps[1::2]
    return [(part - parts[0]) / n_requests for part in parts]


def _environment() -> dict[str, str]:
    # Whatever could differ between two runs is held: the hashes of strings, threads, the addresses above.
    fixed = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**fixed, **own_path(), "PATH": os.environ.get("PATH", "")}


def _fixed_addresses() -> list[str]:
    return ["setarch", "--addr-no-randomize"] if shutil.which("setarch") else []
