"""What gets through when more comes than the replicas can answer: goodput, latency and who is refused, by load.

Usage: python benchmarks/overload.py [--json] [--seconds S] [--loads 0.5 1 2 3]

Two loopback upstreams answer a fixed number of requests at once, each in a fixed time, and let the rest wait, as
model servers do. The gateway runs as its own process. Requests come at random times (Poisson), whether or not earlier
ones were answered; their priority is drawn. Good are those answered within the time that a client would wait. Each
load is tried twice: with the tier's `slots` set to what a replica has, and without.
"""

import argparse
import asyncio
import datetime as dt
import json
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from suffice.testing import SMALL_MODEL, Server, run_gateway, run_loopback, write_settings

N_REPLICAS = 2
SLOTS = 16
SERVICE_S = 0.5
PATIENCE_S = 3.0
"""A later answer is of no use to its client, which then hangs up."""
QUEUE = {"max_waiting": 96, "timeout_s": 1.5}
SHARES = {"high": 0.2, "normal": 0.5, "low": 0.3}
CAPACITY_PER_S = N_REPLICAS * SLOTS / SERVICE_S
WARM_UP_S = 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    priority: str
    status: int
    """0: it did not come in time."""
    taken_s: float


@dataclass(slots=True)
class Clients:
    """Asks over kept-alive connections, a new one where none is free."""

    port: int
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(
        default_factory=list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    )

    async def ask(self, number: int, priority: str) -> Answer:
        began = time.monotonic()
        connection = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
        status = 0
        try:
            async with asyncio.timeout(PATIENCE_S):
                status = await self._exchange(connection, number, priority)
            self.idle.append(connection)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            connection[1].close()
        return Answer(priority, status, time.monotonic() - began)

    async def _exchange(
        self, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], number: int, priority: str
    ) -> int:
        reader, writer = connection
        body = json.dumps({"model": "small", "messages": [{"role": "user", "content": f"question {number}"}]}).encode()
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
            b"x-suffice-priority: %s\r\ncontent-length: %d\r\n\r\n%s" % (priority.encode(), len(body), body)
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        await reader.readexactly(length)
        return int(head.split(" ", 2)[1])

    def close(self) -> None:
        for _, writer in self.idle:
            writer.close()


async def drive(port: int, load: float, seconds: float) -> list[Answer]:
    """Send requests at a multiple of the capacity, and wait for all of them; answers of the warm-up are left out."""
    clients, rng = Clients(port), random.Random(f"load {load}")
    tasks: list[asyncio.Task[Answer]] = []
    due = began = time.monotonic()
    n_warm_up = 0
    while due - began < WARM_UP_S + seconds:
        due += rng.expovariate(load * CAPACITY_PER_S)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        (priority,) = rng.choices(list(SHARES), list(SHARES.values()))
        tasks.append(asyncio.create_task(clients.ask(len(tasks), priority)))
        n_warm_up += due - began < WARM_UP_S
    await asyncio.wait(tasks)
    clients.close()
    return [task.result() for task in tasks[n_warm_up:]]


def summarise(answers: Sequence[Answer], load: float, seconds: float, *, limited: bool) -> dict[str, Any]:
    good = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status not in {0, 200}]
    times = sorted(answer.taken_s for answer in good)
    shares = {
        priority: sum(answer.priority == priority for answer in good)
        / max(1, sum(answer.priority == priority for answer in answers))
        for priority in SHARES
    }
    return {
        "slots_set": limited,
        "load": load,
        "offered_per_s": len(answers) / seconds,
        "goodput_per_s": len(good) / seconds,
        "good_share_by_priority": shares,
        "good_p50_s": statistics.median(times) if times else None,
        "good_p99_s": times[int(0.99 * (len(times) - 1))] if times else None,
        "refused_per_s": len(refused) / seconds,
        "refused_statuses": sorted({answer.status for answer in refused}),
        "too_late_per_s": sum(answer.status == 0 for answer in answers) / seconds,
    }


def measure(
    upstreams: Sequence[Server], loads: Sequence[float], seconds: float, *, limited: bool
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        addresses = [server.address for server in upstreams]
        tier = {"slots": SLOTS, "queue": QUEUE} if limited else {}
        config = write_settings(Path(folder), small=addresses, large=addresses[:1], small_tier=tier)
        with run_gateway(config) as gateway:
            for load in loads:
                answers = uvloop.run(drive(gateway.port, load, seconds))
                found.append(summarise(answers, load, seconds, limited=limited))
                time.sleep(2 * PATIENCE_S)  # whatever is left in the upstreams' queues
    return found


def render(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(
        title=f"Overload: capacity {CAPACITY_PER_S:.0f} requests/s, patience {PATIENCE_S:g} s", title_justify="left"
    )
    for name in (
        "slots",
        "load",
        "offered/s",
        "good/s",
        "of best",
        *SHARES,
        "p50 s",
        "p99 s",
        "refused/s",
        "too late/s",
    ):
        table.add_column(name, justify="right")
    for row in rows:
        best = max(each["goodput_per_s"] for each in rows if each["slots_set"] == row["slots_set"])
        table.add_row(
            "set" if row["slots_set"] else "-",
            f"{row['load']:g}x",
            f"{row['offered_per_s']:.0f}",
            f"{row['goodput_per_s']:.1f}",
            f"{row['goodput_per_s'] / best:.0%}" if best else "-",
            *(f"{share:.0%}" for share in row["good_share_by_priority"].values()),
            *("-" if row[name] is None else f"{row[name]:.2f}" for name in ("good_p50_s", "good_p99_s")),
            f"{row['refused_per_s']:.0f}",
            f"{row['too_late_per_s']:.0f}",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load, after a warm-up")
    parser.add_argument("--loads", type=float, nargs="+", default=[0.5, 0.8, 1.0, 1.5, 2.0, 3.0])
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    options = ("--model", SMALL_MODEL, "--first-token-s", str(SERVICE_S), "--slots", str(SLOTS))
    with ExitStack() as stack:
        upstreams = [stack.enter_context(run_loopback(*options)) for _ in range(N_REPLICAS)]
        for limited in (True, False):
            rows += measure(upstreams, arguments.loads, arguments.seconds, limited=limited)
    if arguments.json:
        about = {"date": dt.datetime.now(tz=dt.UTC).date().isoformat(), "python": platform.python_version()}
        setting = {"capacity_per_s": CAPACITY_PER_S, "patience_s": PATIENCE_S, "queue": QUEUE, "shares": SHARES}
        print(json.dumps({**about, "machine": platform.machine(), **setting, "rows": rows}, indent=2))
        return
    Console(width=140).print(render(rows))


if __name__ == "__main__":
    main()
