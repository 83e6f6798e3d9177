"""Where a request's CPU time goes: the hot path's parts in microseconds, sampled by py-spy under load.

Usage: python benchmarks/profile_hot_path.py [--seconds S] [--write-docs] [--json FILE]

The gateway runs as `suffice serve` on a core of its own, scoring every request afresh, records on. Its CPU time per
answer is measured without the profiler, and divided by the shares of the samples taken after that. A sample belongs to
the innermost Python frame that is one of ours or of an HTTP library; C code, system calls among them, belongs to the
Python function that called it, so that sending an answer counts as HTTP towards the client. py-spy is installed under
build/bench; it needs root, or a kernel that lets a parent trace its children's children.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plane.about import describe_machine
from plane.bodies import make_varied, write_bodies
from plane.contestant import Place, Running, UnavailableError
from plane.debian import provide
from plane.installing import install_python, pinned_version
from plane.measuring import Bench, Scenario, Upstream
from plane.ours import FRESH, ours
from plane.page import write_section
from plane.processes import own_path, started, wait_for_line
from plane.rounds import PLAIN, STREAM, STREAM_CUT
from plane.stacks import PARTS, Sample, busiest, parse_stacks, shares
from plane.tables import table

SCENARIOS = (PLAIN, STREAM, STREAM_CUT)
SECTION = "profile"
RATE_HZ = 500
N_FUNCTIONS = 15
N_PROMPTS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    scenario: str
    cpu_us: float
    """Per answer, without the profiler."""
    samples: list[Sample]

    def parts_us(self) -> dict[str, float]:
        return {part: share * self.cpu_us for part, share in shares(self.samples).items()}


def main() -> int:
    options = _read_options()
    if missing := provide():
        print("\n".join(missing), file=sys.stderr)
        return 1
    try:
        profiler = install_python("profile") / "py-spy"
        profiles = _run(profiler, options)
    except (UnavailableError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    about = {**describe_machine(), "py-spy": pinned_version("profile", "py-spy")}
    text = render(profiles, about)
    print(text)
    if options.json:
        document = {"about": about, "parts_us": {one.scenario: one.parts_us() for one in profiles}}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if options.write_docs:
        write_section(SECTION, text)
    return 0


def render(profiles: list[Profile], about: dict[str, Any]) -> str:
    counts = ", ".join(f"{sum(sample.count for sample in one.samples):,}" for one in profiles)
    said = (
        f"Sampled on {about['date']} at commit {about['commit']}, {about['processor']}, Python {about['python']}, "
        f"py-spy {about['py-spy']}: {counts} samples. Microseconds of CPU time per answer; every request scored afresh."
    )
    names = [one.scenario for one in profiles]
    by_profile = [one.parts_us() for one in profiles]
    rows = [(part, *(f"{parts[part]:,.1f}" for parts in by_profile)) for part in PARTS]
    total = ("**together**", *(f"{one.cpu_us:,.1f}" for one in profiles))
    functions = busiest(profiles[0].samples, N_FUNCTIONS)
    busy = [(f"`{name}`", f"{share * profiles[0].cpu_us:,.1f}") for name, share in functions]
    return "\n\n".join(
        [
            said,
            table(("part", *names), [*rows, total]),
            "The functions that take most of a plain answer, themselves and the C code they call:",
            table(("function", "us"), busy),
        ]
    )


def _run(profiler: Path, options: argparse.Namespace) -> list[Profile]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="suffice-profile-")))
        files = write_bodies(folder, make_varied(N_PROMPTS))
        log = folder / "upstream.log"
        command = [sys.executable, "-m", "plane.upstream"]
        pid = stack.enter_context(started(command, core=options.load_core, log=log, env=own_path()))
        upstream = Upstream(wait_for_line(log, "listening on ", pid, timeout_s=20.0))
        contestant = next(one for one in ours() if one.name == FRESH)
        place = Place(upstream=upstream.address, core=options.core, folder=folder)
        gateway = stack.enter_context(contestant.start(place))
        bench = Bench(upstream, files, load_core=options.load_core, seconds=options.seconds)
        bench.warm_up(gateway, PLAIN, 1)
        return [_profile(profiler, bench, gateway, scenario, folder / "stacks.txt") for scenario in SCENARIOS]


def _profile(profiler: Path, bench: Bench, gateway: Running, scenario: Scenario, output: Path) -> Profile:
    cpu_us = bench.read(gateway, scenario).cpu_us
    # Two seconds less than the load, which wakes up first and stops last.
    duration = max(1, round(bench.seconds) - 2)
    form = ["--format", "raw", "--full-filenames", "--function", "--rate", str(RATE_HZ), "--duration", str(duration)]
    command = [str(profiler), "record", "--pid", str(gateway.pid), *form, "--output", str(output)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as sampling:
        bench.read(gateway, scenario)
        said, _ = sampling.communicate(timeout=60)
    if sampling.returncode:
        lines = said.strip().splitlines()
        raise RuntimeError(f"py-spy failed: {lines[-1] if lines else 'it said nothing'}")
    return Profile(
        scenario=scenario.name, cpu_us=cpu_us, samples=list(parse_stacks(output.read_text(encoding="utf-8")))
    )


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="of load for each scenario")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--write-docs", action="store_true", help="write the tables into docs/benchmarks.md")
    parser.add_argument("--core", type=int, default=0, help="of the gateway")
    parser.add_argument("--load-core", type=int, default=1, help="of the upstream and the client")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
