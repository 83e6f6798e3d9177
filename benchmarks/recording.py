"""What recording costs: time of `observe` on the event loop, rows per second of the writer, delay of the loop.

The loop is kept busy, as under full load: that is when the writing thread has to fight for the interpreter lock.
Usage: python benchmarks/recording.py [number of requests]
"""

import asyncio
import json
import logging
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from suffice.recording import Recorder
from suffice.recording.config import RecordingConfig
from suffice.recording.rows import attempt_rows, request_row
from suffice.telemetry import Telemetry
from suffice.testing.outcomes import TIERS, make_outcome
from suffice.vocabulary import Outcome

TURN_S = 0.00005


async def main(n_requests: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(RecordingConfig(queue_size=n_requests), Path(folder))
        outcomes = [make_outcome(n, escalated=n % 4 == 0, session=f"session-{n // 4}") for n in range(n_requests)]
        observe_s, turns_s = await _observe_all(recorder, outcomes)
        drained_s = await _spin_until_drained(recorder, turns_s)
        recorder.close(60)
        counts = recorder.counts
    turns_s.sort()
    return {
        "observe_us": 1e6 * observe_s / n_requests,
        "requests_per_s_beside_a_busy_loop": counts.written / drained_s,
        "loop_turn_p50_ms": 1e3 * turns_s[len(turns_s) // 2],
        "loop_turn_p99_ms": 1e3 * turns_s[int(len(turns_s) * 0.99)],
        "loop_turn_max_ms": 1e3 * turns_s[-1],
        "dropped": counts.dropped,
        "rows_us": 1e6 * _time_per(lambda outcome: (request_row(outcome), attempt_rows(outcome)), outcomes),
        "telemetry_us": 1e6 * _time_per(Telemetry(TIERS, keys=["team-a"]).observe, outcomes),
    }


async def _observe_all(recorder: Recorder, outcomes: list[Outcome]) -> tuple[float, list[float]]:
    observe_s = 0.0
    turns_s: list[float] = []
    for outcome in outcomes:
        started = time.perf_counter()
        recorder.observe(outcome)
        observe_s += time.perf_counter() - started
        await _turn(turns_s)
    return observe_s, turns_s


async def _spin_until_drained(recorder: Recorder, turns_s: list[float]) -> float:
    started = time.perf_counter() - sum(turns_s)
    while recorder.counts.queued:
        for _ in range(100):
            await _turn(turns_s)
    return time.perf_counter() - started


async def _turn(turns_s: list[float]) -> None:
    """One turn of a loop that always has some work; what it takes beyond that is delay."""
    started = time.perf_counter()
    while time.perf_counter() - started < TURN_S:
        pass
    await asyncio.sleep(0)
    turns_s.append(time.perf_counter() - started)


def _time_per(act: Callable[[Outcome], object], outcomes: list[Outcome]) -> float:
    started = time.perf_counter()
    for outcome in outcomes:
        act(outcome)
    return (time.perf_counter() - started) / len(outcomes)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    figures = uvloop.run(main(n))
    machine = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "requests": n,
    }
    print(json.dumps({**machine, **{name: round(value, 3) for name, value in figures.items()}}, indent=2))
