"""A gateway with short patience over upstreams of its own, and what can be seen of it from outside."""

import signal
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripted_upstream import ScriptedUpstream

from suffice.testing import (
    LARGE_MODEL,
    RECORDS,
    SMALL_MODEL,
    Server,
    reset,
    run_gateway,
    run_loopback,
    stats,
    wait_until,
    write_settings,
)
from suffice.testing.footprint import Footprint, footprint
from suffice.testing.metrics import Metrics, read_metrics
from suffice.testing.processes import SUFFICE

PATIENCE_S = 0.5
"""How long the gateway waits for a first byte, and between two pieces of an answer."""
CONNECT_S = 0.5
UPSTREAM: dict[str, Any] = {
    "connect_timeout_s": CONNECT_S,
    "first_byte_timeout_s": PATIENCE_S,
    "idle_timeout_s": PATIENCE_S,
    "retries": 1,
    "backoff_s": 0.01,
    # What one case did to a replica is forgotten before the next one.
    "ejection": {"base_s": 0.1, "max_s": 0.2},
}
_REFUSALS_USD = """SELECT total(cost_usd) FROM attempts
                   WHERE request_id = requests.id AND error IN ('upstream_failed', 'upstream_busy')"""
Sections = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """One record, as far as the table speaks of it."""

    ending: tuple[int | None, str | None, bool]
    """Status, error, cancelled."""
    attempts: tuple[tuple[str, str | None, int | None], ...]
    """Tier, error and status of each, in their order."""
    duration_s: float
    refusals_usd: float
    """What the calls cost that an upstream did not take; it should be nothing."""


@dataclass(slots=True)
class Scene:
    """All servers of a few cases, one after the other."""

    gateway: Server
    folder: Path
    small: list[Server] = field(default_factory=list[Server])
    large: Server | None = None
    scripted: ScriptedUpstream | None = None
    """A replica of `small` that breaks the rules of HTTP."""
    model: str = "auto@10"
    """What a client asks for where nothing is wrong, and the tier that then answers."""
    tier: str = "small"
    _stack: ExitStack = field(default_factory=ExitStack)
    _stopped: set[int] = field(default_factory=set[int])

    @property
    def upstreams(self) -> list[Server]:
        """Those loopback upstreams that run and can be asked."""
        servers = [*self.small, *([self.large] if self.large else [])]
        return [one for one in servers if one.process.poll() is None and one.process.pid not in self._stopped]

    def reset(self) -> None:
        """Forget the upstreams' counts."""
        for server in self.upstreams:
            reset(server.address)

    def n_asked(self) -> int:
        """Requests that reached the loopback upstreams since the last reset."""
        return sum(sum(stats(server.address)["by_model"].values()) for server in self.upstreams)

    def n_active(self) -> int:
        """Requests that loopback upstreams are answering."""
        return sum(stats(server.address)["active"] for server in self.upstreams)

    def busy(self) -> int:
        """Which replica of `small` answers something; waits until one does."""
        wait_until(lambda: any(stats(one.address)["active"] for one in self.small if one in self.upstreams))
        return next(n for n, one in enumerate(self.small) if one in self.upstreams and stats(one.address)["active"])

    def metrics(self) -> Metrics:
        return read_metrics(self.gateway.address)

    def footprint(self) -> Footprint:
        return footprint(self.gateway.process.pid, port=self.gateway.port)

    def footprint_at_rest(self) -> Footprint:
        """What is held without any client: looked at until two looks agree, because one is not of one moment."""
        looks = [self.footprint()]

        def is_at_rest() -> bool:
            looks.append(self.footprint())
            return looks[-1].n_from_clients == 0 and looks[-1].n_sockets == looks[-2].n_sockets

        wait_until(is_at_rest)
        return looks[-1]

    def settle(self) -> None:
        """Wait until nothing runs any more and every record is written or lost."""
        wait_until(self._is_quiet, timeout_s=10)

    def _is_quiet(self) -> bool:
        found = self.metrics()
        n_waiting = found.total("suffice_requests_in_flight") + found.total("suffice_replica_calls_in_flight")
        return n_waiting == 0 == found.total("suffice_recorder_queue_records") and self.n_active() == 0

    def records(self, *, but: frozenset[str] = frozenset()) -> list[Row]:
        """The records, less those with these ids."""
        with closing(sqlite3.connect(self.folder / RECORDS)) as store:
            found = store.execute(f"SELECT id, status, error, cancelled, duration_s, ({_REFUSALS_USD}) FROM requests")
            rows = [row for row in found if row[0] not in but]
            query = "SELECT tier, error, status FROM attempts WHERE request_id = ? ORDER BY seq"
            trails = [tuple(store.execute(query, row[:1]).fetchall()) for row in rows]
        return [
            Row(ending=(row[1], row[2], bool(row[3])), attempts=trail, duration_s=row[4], refusals_usd=row[5])
            for row, trail in zip(rows, trails, strict=True)
        ]

    def record_ids(self) -> frozenset[str]:
        with closing(sqlite3.connect(self.folder / RECORDS)) as store:
            return frozenset(row[0] for row in store.execute("SELECT id FROM requests"))

    def pause(self, server: Server) -> None:
        """SIGSTOP."""
        server.process.send_signal(signal.SIGSTOP)
        self._stopped.add(server.process.pid)

    def resume(self, server: Server) -> None:
        """SIGCONT."""
        server.process.send_signal(signal.SIGCONT)
        self._stopped.discard(server.process.pid)

    def restart(self, index: int) -> None:
        """Start a replica of `small` that was killed, on its old port."""
        port = str(self.small[index].port)
        self.small[index] = self._stack.enter_context(run_small(index, "--port", port))

    def start_gateway_again(self) -> None:
        """Start another gateway on the same files, where the one before is gone."""
        self.gateway = self._stack.enter_context(run_gateway(self.folder / "suffice.yaml"))


@contextmanager
def run_small(index: int, *options: str) -> Generator[Server]:
    """Start one replica of `small`."""
    with run_loopback("--model", SMALL_MODEL, "--name", f"small-{index}", *options) as server:
        yield server


@contextmanager
def run_scene(
    folder: Path,
    *,
    n_small: int = 1,
    sections: Sections | None = None,
    scripted: ScriptedUpstream | None = None,
    program: Sequence[str] = SUFFICE,
) -> Generator[Scene]:
    """Start everything; stops it at the end.

    Args:
        folder: For the configuration and the records.
        n_small: Replicas of `small` that are loopback upstreams.
        sections: Of the configuration, beside short timeouts.
        scripted: One more replica of `small`.
        program: What the interpreter is told to run in the gateway's place.
    """
    chosen = {**(sections or {}), "upstream": {**UPSTREAM, **(sections or {}).get("upstream", {})}}
    with ExitStack() as stack:
        replicas = [stack.enter_context(run_small(index)) for index in range(n_small)]
        large = stack.enter_context(run_loopback("--model", LARGE_MODEL, "--name", "large-0"))
        addresses = [*(server.address for server in replicas), *([scripted.address] if scripted else [])]
        config = write_settings(folder, small=addresses, large=[large.address], sections=chosen)
        gateway = stack.enter_context(run_gateway(config, program=program))
        yield Scene(gateway, folder, replicas, large, scripted, _stack=stack)
