"""CPU time that a pool of replicas adds to a call: the choice, the places, the counts; no server, no HTTP.

Usage: python benchmarks/pool_time.py [--json]

A call is opened and ended on replicas that answer at once; what such a call costs without a pool is taken off. Times
are of this process on one core (`time.process_time`), the median of several rounds, under uvloop.
"""

import argparse
import datetime as dt
import json
import platform
import random
import statistics
import time
from collections.abc import Awaitable, Callable

import uvloop
from rich.console import Console
from rich.table import Table

from suffice.upstream.call import Call, Exchange
from suffice.upstream.config import QueueConfig, UpstreamConfig
from suffice.upstream.health import Health
from suffice.upstream.pool import Pool
from suffice.upstream.queue import Queue
from suffice.upstream.replica import UNLIMITED, Replica

N_CALLS = 50_000
N_ROUNDS = 9
SESSION = "6f1c2d0e9b7a4c3d8e5f60718293a4b5"


class AtOnce:
    """A server that has always answered already."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    async def send(self, call: Call) -> Exchange:
        del call
        return Exchange(status=200, content_type="application/json", replica=self.base_url, started_at=0.0)

    async def probe(self, path: str, timeout_s: float) -> int:
        raise NotImplementedError


def make_pool(n: int, *, slots: int = UNLIMITED) -> Pool:
    config = UpstreamConfig()
    replicas = [
        Replica(AtOnce(f"http://10.0.0.{index}:8000/v1"), Health(config.ejection, config.checks), slots)
        for index in range(n)
    ]
    return Pool(replicas, config, Queue("small", QueueConfig()), draw=random.Random(1).random)


async def time_us(act: Callable[[], Awaitable[None]]) -> float:
    """Median CPU time of one call, in microseconds."""
    rounds: list[float] = []
    for _ in range(N_ROUNDS):
        started = time.process_time()
        for _ in range(N_CALLS):
            await act()
        rounds.append((time.process_time() - started) / N_CALLS)
    return 1e6 * statistics.median(rounds)


def opening(pool: Pool, session: str | None) -> Callable[[], Awaitable[None]]:
    call = Call(path="/chat/completions", body=b"{}", stream=False, session=session)

    async def act() -> None:
        async with pool.open(call):
            pass

    return act


async def measure() -> dict[str, float]:
    server, call = AtOnce("http://a"), Call(path="", body=b"", stream=False)

    async def without_pool() -> None:
        (await server.send(call)).close()

    base_us = await time_us(without_pool)
    timed = {
        "one replica": opening(make_pool(1), None),
        "choice of two among 4": opening(make_pool(4), None),
        "a conversation's own among 4": opening(make_pool(4), SESSION),
        "a conversation's own among 32": opening(make_pool(32), SESSION),
        "the same, with slots": opening(make_pool(32, slots=8), SESSION),
    }
    return {name: await time_us(act) - base_us for name, act in timed.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    times = uvloop.run(measure())
    if as_json:
        about = {"date": dt.datetime.now(tz=dt.UTC).date().isoformat(), "python": platform.python_version()}
        print(json.dumps({**about, "machine": platform.machine(), "added_cpu_us": times}, indent=2))
        return
    table = Table(title="CPU time that a pool adds to a call, microseconds", title_justify="left")
    table.add_column("choice")
    table.add_column("us", justify="right")
    for name, us in times.items():
        table.add_row(name, f"{us:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
