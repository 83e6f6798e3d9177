"""100,000 requests through the recorded tiers: is a record lost, does memory grow, what does a request cost?

A gateway process over two tapes, played so fast that the gateway is the limit; clients on kept-alive sockets, every
other request a stream. Usage: python benchmarks/hundred_thousand.py [--requests N] [--concurrency N] [--json FILE]
"""

import argparse
import asyncio
import json
import platform
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import psutil
import yaml
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from suffice import __version__
from suffice.lab.workload import load_desk
from suffice.testing import run_gateway

SAMPLE_EVERY_S = 1.0
DRAIN_TIMEOUT_S = 60.0
MODELS = ("auto", "auto", "auto", "small", "large")
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """The gateway process at one moment."""

    n_answered: int
    rss_mib: float


@dataclass(slots=True)
class Tally:
    """What the clients saw."""

    answers: Counter[str] = field(default_factory=Counter[str])
    latencies_s: list[float] = field(default_factory=list[float])
    samples: list[Sample] = field(default_factory=list[Sample])

    @property
    def n_answered(self) -> int:
        return self.answers.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The result; memory in MiB, times as named."""

    n_requests: int
    answers: dict[str, int]
    """By status and form; `broken` for streams without their end mark."""
    n_records: int
    n_attempts: int
    n_dropped: int
    n_unaccounted: int
    """Requests without a record and without a counted drop."""
    requests_per_s: float
    cpu_us_per_request: float
    """Of the gateway process, all threads: the recorder's and the tapes' too."""
    p50_ms: float
    p99_ms: float
    rss_first_tenth_mib: float
    rss_half_mib: float
    rss_end_mib: float
    rss_growth_second_half_percent: float
    samples: list[Sample]


def write_config(folder: Path, concurrency: int) -> Path:
    tiers = [
        {
            "name": name,
            "model": model,
            "price": {"input": usd, "output": usd},
            "tape": {"model": model, "slots": min(4096, concurrency), "speedup": 1e6},
        }
        for name, model, usd in (("small", "qwen2.5-coder-0.5b", 0.1), ("large", "qwen2.5-coder-1.5b", 0.875))
    ]
    document = {
        "tiers": tiers,
        "routing": {"mode": "route", "max_complexity": {"small": 4.0}},
        "recording": {"path": "records.sqlite"},
        "server": {"port": 0},
    }
    path = folder / "suffice.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def make_bodies() -> Iterator[tuple[bytes, bool]]:
    """Request bodies without end, each with whether it asks for a stream."""
    prompts = cycle(load_desk())
    for index, prompt in enumerate(prompts):
        is_stream = index % 2 == 1
        body: dict[str, Any] = {
            "model": MODELS[index % len(MODELS)],
            "messages": prompt.messages,
            "max_tokens": prompt.max_tokens,
            "stream": is_stream,
        }
        yield msgspec.json.encode(body), is_stream


async def send_all(url: str, n_requests: int, concurrency: int, tally: Tally, tick: "Ticker") -> None:
    bodies = islice(make_bodies(), n_requests)
    headers = {"content-type": "application/json"}
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def work() -> None:
            for body, is_stream in bodies:
                started = time.perf_counter()
                async with session.post(f"{url}/v1/chat/completions", data=body) as answer:
                    content = await answer.read()
                tally.latencies_s.append(time.perf_counter() - started)
                tally.answers[describe(answer.status, content, is_stream=is_stream)] += 1
                tick()

        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())


def describe(status: int, content: bytes, *, is_stream: bool) -> str:
    if is_stream and status == 200 and not content.endswith(DONE):
        return "broken"
    return f"{status} {'stream' if is_stream else 'plain'}"


class Ticker:
    """Counts answers on a progress bar."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def __call__(self) -> None:
        self._progress.advance(self._task)


async def sample(process: psutil.Process, tally: Tally) -> None:
    while True:
        tally.samples.append(Sample(tally.n_answered, process.memory_info().rss / 2**20))
        await asyncio.sleep(SAMPLE_EVERY_S)


async def read_metrics(session: aiohttp.ClientSession, url: str) -> dict[str, float]:
    async with session.get(f"{url}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    return {item.name: item.value for family in families for item in family.samples if not item.labels}


async def wait_until_written(url: str) -> int:
    """Wait until the recorder's queue is empty; returns the drops it counted."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(DRAIN_TIMEOUT_S):
        while True:
            metrics = await read_metrics(session, url)
            if metrics["suffice_recorder_queue_records"] == 0:
                return int(metrics["suffice_recorder_dropped_total"])
            await asyncio.sleep(0.1)


async def load(url: str, process: psutil.Process, n_requests: int, concurrency: int) -> tuple[Tally, int]:
    tally = Tally()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        tick = Ticker(progress, progress.add_task("requests", total=n_requests))
        sampling = asyncio.create_task(sample(process, tally))
        try:
            await send_all(url, n_requests, concurrency, tally, tick)
        finally:
            sampling.cancel()
    n_dropped = await wait_until_written(url)
    tally.samples.append(Sample(tally.n_answered, process.memory_info().rss / 2**20))
    return tally, n_dropped


def measure(n_requests: int, concurrency: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="suffice-bench-") as folder:
        config = write_config(Path(folder), concurrency)
        with run_gateway(config) as server:
            process = psutil.Process(server.process.pid)
            cpu_before_s = sum(process.cpu_times()[:2])
            started = time.perf_counter()
            tally, n_dropped = asyncio.run(load(server.address, process, n_requests, concurrency))
            took_s = time.perf_counter() - started
            cpu_s = sum(process.cpu_times()[:2]) - cpu_before_s
        # The process has ended: what is in the file now is all there will be.
        with closing(sqlite3.connect(Path(folder) / "records.sqlite")) as database:
            n_records, n_attempts = (
                database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("requests", "attempts")
            )
    latencies = sorted(tally.latencies_s)
    tenth, half, end = (rss_at(tally, share * n_requests) for share in (0.1, 0.5, 1.0))
    return Figures(
        n_requests=n_requests,
        answers=dict(sorted(tally.answers.items())),
        n_records=n_records,
        n_attempts=n_attempts,
        n_dropped=n_dropped,
        n_unaccounted=n_requests - n_records - n_dropped,
        requests_per_s=n_requests / took_s,
        cpu_us_per_request=1e6 * cpu_s / n_requests,
        p50_ms=1e3 * latencies[len(latencies) // 2],
        p99_ms=1e3 * latencies[int(len(latencies) * 0.99)],
        rss_first_tenth_mib=tenth,
        rss_half_mib=half,
        rss_end_mib=end,
        rss_growth_second_half_percent=100 * (end / half - 1),
        samples=tally.samples,
    )


def rss_at(tally: Tally, n_answered: float) -> float:
    """The first sample at or after so many answers."""
    return next((item.rss_mib for item in tally.samples if item.n_answered >= n_answered), tally.samples[-1].rss_mib)


def print_table(figures: Figures) -> None:
    table = Table(title=f"{figures.n_requests:,} requests through the recorded tiers", show_header=False)
    rows = {
        "answers": ", ".join(f"{count:,} x {what}" for what, count in figures.answers.items()),
        "records / attempts / counted drops": f"{figures.n_records:,} / {figures.n_attempts:,} / {figures.n_dropped:,}",
        "requests unaccounted for": f"{figures.n_unaccounted:,}",
        "requests per second": f"{figures.requests_per_s:,.0f}",
        "gateway CPU per request": f"{figures.cpu_us_per_request:,.0f} us",
        "latency P50 / P99": f"{figures.p50_ms:.1f} / {figures.p99_ms:.1f} ms",
        "RSS at 10 % / 50 % / 100 %": f"{figures.rss_first_tenth_mib:.1f} / {figures.rss_half_mib:.1f} / "
        f"{figures.rss_end_mib:.1f} MiB",
        "RSS growth over the second half": f"{figures.rss_growth_second_half_percent:+.1f} %",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    Console(stderr=True).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    figures = measure(arguments.requests, arguments.concurrency)
    print_table(figures)
    document = {
        "benchmark": "hundred_thousand",
        "date": datetime.now(UTC).date().isoformat(),
        "suffice": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": psutil.cpu_count(),
        "concurrency": arguments.concurrency,
        **asdict(figures),
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    else:
        document.pop("samples")
        sys.stdout.write(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
