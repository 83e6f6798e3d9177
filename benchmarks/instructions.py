"""Instructions per request of the parts that wait for nothing, counted twice by valgrind.

Usage: python benchmarks/instructions.py [--requests N] [--json FILE] [--write-docs]

Times move with the machine and with what else it does; counts of instructions hardly do, so that a change of one per
cent can be seen. They say nothing of waiting for memory: a part with half the instructions need not take half the
time. Under valgrind numpy sees a processor without AVX-512. The second count shows how far they move by themselves.
"""

import argparse
import datetime as dt
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from plane.counting import CountingError, count
from plane.page import write_section
from plane.pure_parts import NOTHING, make_parts
from plane.tables import table

N_COUNTS = 2
SECTION = "instructions"


def render(counts: dict[str, list[float]], n_requests: int) -> str:
    rows = [(name, *(f"{value:,.0f}" for value in values), f"{spread(values):.2%}") for name, values in counts.items()]
    said = f"Instructions per request, mean of {n_requests} requests, each part after {n_requests} others."
    return f"{said}\n\n{table(('part', 'first count', 'second count', 'apart'), rows)}"


def spread(values: Sequence[float]) -> float:
    return (max(values) - min(values)) / max(1.0, min(values))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write-docs", action="store_true", help="write the table into docs/benchmarks.md")
    options = parser.parse_args()
    names = [part.name for part in make_parts()]
    runs: list[list[float]] = []
    try:
        for _ in range(N_COUNTS):
            with tempfile.TemporaryDirectory(prefix="suffice-count-") as folder:
                runs.append(count(options.requests, Path(folder)))
    except CountingError as error:
        print(error, file=sys.stderr)
        return 1
    by_part = zip(names, zip(*runs, strict=True), strict=True)
    counts = {name: list(values) for name, values in by_part if name != NOTHING}
    print(render(counts, options.requests))
    if options.json:
        about = {"date": dt.datetime.now(tz=dt.UTC).date().isoformat(), "machine": platform.machine()}
        versions = {"python": platform.python_version(), "numpy": np.__version__, "msgspec": msgspec.__version__}
        document = {**about, **versions, "requests": options.requests, "instructions": counts}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    if options.write_docs:
        write_section(SECTION, render(counts, options.requests))
    return 0


if __name__ == "__main__":
    sys.exit(main())
