"""CPU time, latency and memory of the gateway, side by side with nginx and with other gateways, in one run.

Usage: python benchmarks/data_plane.py [--peers] [--json FILE] [--write-docs] [--rounds N] [--seconds S] [--prompts N]

Needs Linux with two cores, wrk and nginx (`apt-get install wrk nginx-light`; root without systemd gets them so). The
contestants share one core, the upstream and the client the other. `--peers` adds LiteLLM, Portkey and the Rust
routers, installed under build/bench as requirements/peers-* pin them; one that cannot be is named in the tables with
the reason. docs/benchmarks.md tells how it is done and what its limits are.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import msgspec

from plane.about import describe_machine
from plane.bodies import FEWEST_TOKENS, MOST_TOKENS, make_varied, write_bodies
from plane.contestant import Contestant, Place, Running, UnavailableError
from plane.debian import provide
from plane.measuring import Bench, Upstream
from plane.nginx import NAME, nginx
from plane.ours import n_dropped, ours
from plane.page import CHART, FIGURES, draw, write_section
from plane.peers import PEERS
from plane.processes import own_path, rss_bytes, started, wait_for_line
from plane.results import Results
from plane.rounds import FULL_PLAN, SHORT_PLAN, Rounds
from plane.tables import render

START_TIMEOUT_S = 20.0
SECTION = "measured"


def main() -> int:
    options = _read_options()
    if missing := [*provide(), *_missing_cores()]:
        print("\n".join(missing), file=sys.stderr)
        return 1
    try:
        yardstick = nginx()
    except UnavailableError as error:
        print(error, file=sys.stderr)
        return 1
    results = _run([yardstick, *ours()], PEERS if options.peers else {}, options)
    print(render(results))
    encoded = msgspec.json.format(msgspec.json.encode(results), indent=2)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_bytes(encoded + b"\n")
    if options.write_docs:
        FIGURES.write_bytes(encoded + b"\n")
        CHART.write_text(draw(results), encoding="utf-8")
        write_section(SECTION, render(results))
    return 0


def _run(
    contestants: Sequence[Contestant], peers: Mapping[str, Callable[[], Contestant]], options: argparse.Namespace
) -> Results:
    about = {
        **describe_machine(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "prompts": options.prompts,
        "tokens": f"{FEWEST_TOKENS} to {MOST_TOKENS}",
    }
    installed, unavailable = _install(peers)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="suffice-bench-")))
        files = write_bodies(folder, make_varied(options.prompts))
        log = folder / "upstream.log"
        command = [sys.executable, "-m", "plane.upstream"]
        pid = stack.enter_context(started(command, core=options.load_core, log=log, env=own_path()))
        upstream = Upstream(wait_for_line(log, "listening on ", pid, timeout_s=START_TIMEOUT_S))
        everyone = [*contestants, *installed]
        place = Place(upstream=upstream.address, core=options.core, folder=folder)
        running = _start(everyone, place, stack, unavailable)
        bench = Bench(upstream, files, load_core=options.load_core, seconds=options.seconds)
        plan = FULL_PLAN if peers else SHORT_PLAN
        rounds = Rounds(bench, dict(running), Running(pid=pid, address=upstream.address), plan)
        rounds.warm_up(options.prompts)
        rounds.run(options.rounds)
        return Results(
            about=about,
            versions={one.name: one.version for one in everyone if one.name in rounds.running},
            comparisons=rounds.comparisons(),
            latencies=rounds.latencies(),
            rss_mb={name: round(rss_bytes(one.pid) / 1e6, 1) for name, one in rounds.running.items()},
            upstream_cpu_us=rounds.upstream_cpu_us,
            dropped_records={
                name: n_dropped(one) for name, one in rounds.running.items() if name.startswith("suffice")
            },
            unavailable={**unavailable, **rounds.failures},
        )


def _install(peers: Mapping[str, Callable[[], Contestant]]) -> tuple[list[Contestant], dict[str, str]]:
    installed: list[Contestant] = []
    unavailable: dict[str, str] = {}
    for name, install in peers.items():
        try:
            installed.append(install())
        except UnavailableError as error:
            unavailable[name] = str(error)
    return installed, unavailable


def _start(
    contestants: Sequence[Contestant], place: Place, stack: ExitStack, unavailable: dict[str, str]
) -> dict[str, Running]:
    running: dict[str, Running] = {}
    for index, contestant in enumerate(contestants):
        own = place.folder / str(index)
        own.mkdir()
        print(f"starting {contestant.name} {contestant.version} ...", file=sys.stderr, flush=True)
        try:
            running[contestant.name] = stack.enter_context(contestant.start(replace(place, folder=own)))
        except UnavailableError as error:
            if contestant.name == NAME:
                raise SystemExit(str(error)) from error
            unavailable[contestant.name] = str(error)
    return running


def _missing_cores() -> list[str]:
    return ["two cores are needed"] if (os.cpu_count() or 1) < 2 else []


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="store_true", help="install and measure the other gateways too")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--write-docs", action="store_true", help="write tables, picture and figures into docs/")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each reading")
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--core", type=int, default=0, help="of the contestants")
    parser.add_argument("--load-core", type=int, default=1, help="of the upstream and the client")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
