"""A gateway under mixed load for a long time, with faults at random: nothing may be lost, wrong, or grow.

It finds out what the machine takes, drives a share of it in an open loop, checks every answer, injects faults, and at
the end compares requests with records and what the gateway holds with what it held. Exit code 1: a violation.

Usage: python benchmarks/soak.py [--minutes 30] [--load 0.7] [--seed 1] [--json FILE]
"""

import argparse
import asyncio
import json
import platform
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import uvloop
from rich.console import Console

from soak_client import Client
from soak_faults import Injector, Replica
from soak_report import Report, Sample
from soak_requests import Ending, Mix, Request, Told
from suffice import __version__
from suffice.testing import LARGE_MODEL, RECORDS, SMALL_MODEL, Server, run_gateway, wait_until, write_settings
from suffice.testing.footprint import Footprint, footprint
from suffice.testing.metrics import read_metrics

LAG_S = 0.3
"""A machine that keeps the load generator waiting so long keeps the gateway waiting too: others use it."""
CALIBRATION_S = 5.0
N_CALIBRATING = 32
FAULT_SHARE = 0.12
FAULT_EVERY_S = 4.0
SAMPLE_EVERY_S = 1.0
MAX_OPEN = 1000
"""Requests that are open at once; as many are before anything is measured, for memory follows the worst moment."""
PATIENCE_S = 3.0
SECTIONS = {
    "upstream": {
        "connect_timeout_s": PATIENCE_S,
        "first_byte_timeout_s": PATIENCE_S,
        "idle_timeout_s": PATIENCE_S,
        "retries": 2,
    },
    "server": {"read_timeout_s": 5.0, "total_timeout_s": 30.0},
    "recording": {"queue_size": 1000},
    # So small that they are full before anything is measured: what grows afterwards is no cache.
    "cache": {"max_entries": 500, "max_conversations": 500},
}


@dataclass(slots=True)
class Tally:
    """What the clients have seen."""

    endings: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    codes: Counter[str] = field(default_factory=Counter[str])
    answered: set[str] = field(default_factory=set[str])
    n_ordered: int = 0
    n_skipped: int = 0
    """Requests that were due, but too many were open."""
    violations: list[str] = field(default_factory=list[str])

    @property
    def n_all(self) -> int:
        """Requests that are over."""
        return sum(found.total() for found in self.endings.values())

    def add(self, told: Told, *, is_quiet: bool) -> None:
        """Count one request; an error that nothing explains is a violation."""
        if told.ending in {Ending.ERROR, Ending.ERROR_IN_STREAM}:
            self.codes[told.code] += 1
            if is_quiet and told.is_clean:
                why = f"{told.code}, though nothing was wrong"
                told = replace(told, ending=Ending.VIOLATION, why=why)
        if told.ending is Ending.VIOLATION:
            self.violations.append(f"{told.name}: {told.why}")
        self.endings.setdefault(told.kind, Counter())[told.ending.value] += 1
        self.n_ordered += bool(told.fault)
        if told.request_id and told.ending is not Ending.LEFT:
            self.answered.add(told.request_id)


async def calibrate(port: int, rng: random.Random) -> float:
    """Requests per second that many clients get through, each asking again as soon as it is answered."""
    client, mix = Client(port), Mix(rng, fault_share=0.0)
    started_at = time.monotonic()
    n_done = 0

    async def work() -> None:
        nonlocal n_done
        while time.monotonic() < started_at + CALIBRATION_S:
            told = await mix.draw().play(client)
            n_done += len(told)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(N_CALIBRATING):
            tasks.create_task(work())
    await client.close()
    return n_done / (time.monotonic() - started_at)


async def warm_up(port: int) -> None:
    """Open as many requests at once as there may ever be, so that memory has had its worst moment."""
    client = Client(port)
    async with asyncio.TaskGroup() as tasks:
        for number in range(MAX_OPEN):
            message = {"role": "user", "content": f"request {number}\n!sleep 2"}
            tasks.create_task(client.ask({"model": "auto@10", "messages": [message], "stream": number % 2 == 0}))
    await client.close()


async def drive(port: int, mix: Mix, rng: random.Random, tally: Tally, injector: Injector, load: "Load") -> None:
    """Send requests at the moments of a Poisson process, whatever has become of those before."""
    client = Client(port)
    started_at = injector.started_at
    due_s = 0.0

    async def play(request: Request) -> None:
        began_s = time.monotonic() - started_at
        told = await request.play(client)
        is_quiet = injector.is_quiet(began_s, time.monotonic() - started_at)
        for one in told:
            tally.add(one, is_quiet=is_quiet)

    open_now: set[asyncio.Task[None]] = set()
    async with asyncio.TaskGroup() as tasks:
        while (due_s := due_s + rng.expovariate(load.rate_per_s)) < load.seconds:
            await asyncio.sleep(max(0.0, started_at + due_s - time.monotonic()))
            if len(open_now) >= MAX_OPEN:
                tally.n_skipped += 1
                continue
            task = tasks.create_task(play(mix.draw()))
            open_now.add(task)
            task.add_done_callback(open_now.discard)
    await client.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much, and for how long."""

    seconds: float
    rate_per_s: float


async def sample(gateway: Server, started_at: float, samples: list[Sample]) -> None:
    """Look at the gateway every second until cancelled."""
    while True:
        found = await asyncio.to_thread(footprint, gateway.process.pid, port=gateway.port)
        samples.append(Sample(at_s=time.monotonic() - started_at, print=found))
        await asyncio.sleep(SAMPLE_EVERY_S)


async def watch_lag(injector: Injector) -> None:
    """Note when the machine is busy with something else, until cancelled."""
    while True:
        began_at = time.monotonic()
        await asyncio.sleep(0.05)
        if time.monotonic() - began_at > LAG_S:
            injector.note("machine busy", began_at)


async def soak(gateway: Server, injector: Injector, load: Load, seed: int) -> tuple[Tally, list[Sample]]:
    """Load and faults until the time is over."""
    tally = Tally()
    samples: list[Sample] = []
    mix = Mix(random.Random(f"mix {seed}"), fault_share=FAULT_SHARE)
    injector.started_at = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        sampling = tasks.create_task(sample(gateway, injector.started_at, samples))
        watching = tasks.create_task(watch_lag(injector))
        faults = tasks.create_task(injector.run(until_s=load.seconds - PATIENCE_S, every_s=FAULT_EVERY_S))
        await drive(gateway.port, mix, random.Random(f"arrivals {seed}"), tally, injector, load)
        await faults
        watching.cancel()
        sampling.cancel()
    return tally, samples


def rest(gateway: Server) -> Footprint:
    """Wait until the gateway has nothing to do; what it holds then."""
    looks = [footprint(gateway.process.pid, port=gateway.port)]

    def is_quiet() -> bool:
        found = read_metrics(gateway.address)
        n_busy = found.total("suffice_requests_in_flight") + found.total("suffice_recorder_queue_records")
        looks.append(footprint(gateway.process.pid, port=gateway.port))
        return n_busy == looks[-1].n_from_clients == 0 and looks[-1].n_sockets == looks[-2].n_sockets

    wait_until(is_quiet, timeout_s=60)
    return looks[-1]


def run(seconds: float, share: float, seed: int, console: Console) -> Report:
    """The whole soak, at this share of what the machine takes."""
    with tempfile.TemporaryDirectory(prefix="suffice-soak-") as name, ExitStack() as stack:
        folder = Path(name)
        small = [Replica.start(SMALL_MODEL, f"small-{number}", stack) for number in range(2)]
        large = [Replica.start(LARGE_MODEL, f"large-{number}", stack) for number in range(2)]
        config = write_settings(
            folder,
            small=[one.server.address for one in small],
            large=[one.server.address for one in large],
            sections=SECTIONS,
        )
        gateway = stack.enter_context(run_gateway(config))
        capacity = uvloop.run(calibrate(gateway.port, random.Random(f"calibration {seed}")))
        uvloop.run(warm_up(gateway.port))
        before, n_before = rest(gateway), read_metrics(gateway.address).total("suffice_requests_total")
        load = Load(seconds=seconds, rate_per_s=share * capacity)
        console.print(f"{capacity:.0f} requests/s at most; {seconds:.0f} s at {load.rate_per_s:.0f} requests/s")
        injector = Injector(gateway, [*small, *large], random.Random(f"faults {seed}"))
        tally, samples = uvloop.run(soak(gateway, injector, load, seed))
        after, metrics = rest(gateway), read_metrics(gateway.address)
        with closing(sqlite3.connect(folder / RECORDS)) as store:
            ids = {row[0] for row in store.execute("SELECT id FROM requests")}
            longest_s = store.execute("SELECT max(duration_s) FROM requests").fetchone()[0]
        output = [line.strip() for line in gateway.output if "Traceback" in line]
    report = Report(
        seed=seed,
        seconds=seconds,
        capacity_per_s=capacity,
        rate_per_s=load.rate_per_s,
        endings={kind: dict(found) for kind, found in tally.endings.items()},
        codes=dict(tally.codes),
        faults=dict(Counter(one.what for one in injector.log)),
        n_ordered=tally.n_ordered,
        n_skipped=tally.n_skipped,
        n_answered=len(tally.answered),
        n_told=int(metrics.total("suffice_requests_total")),
        n_written=int(metrics.total("suffice_recorder_written_total")),
        n_dropped=int(metrics.total("suffice_recorder_dropped_total")),
        n_in_file=len(ids),
        longest_s=longest_s,
        n_lost=len(tally.answered - ids),
        samples=samples,
        at_rest=(before, after),
        violations=[*tally.violations, *output],
    )
    n_soaked = report.n_told - n_before
    if not report.n_answered <= n_soaked <= tally.n_all:
        report.violations.append(f"{report.n_answered} answers, {n_soaked:.0f} requests in the metrics")
    report.judge()
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--load", type=float, default=0.7, help="share of what the machine takes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    report = run(60 * arguments.minutes, arguments.load, arguments.seed, console)
    report.show(console)
    if arguments.json:
        document = {
            "benchmark": "soak",
            "date": datetime.now(UTC).date().isoformat(),
            "suffice": __version__,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cpus": psutil.cpu_count(),
            **report.as_json(),
        }
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    sys.exit(bool(report.violations))


if __name__ == "__main__":
    main()
