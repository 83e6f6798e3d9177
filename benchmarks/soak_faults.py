"""What goes wrong at random during a soak: replicas killed and paused, the disk full, clients in storms and asleep."""

import asyncio
import random
import resource
import signal
import socket
import struct
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from suffice.testing import Server, run_loopback

NOTICED = frozenset({"SIGKILL", "SIGSTOP", "machine busy"})
"""What a client may notice: a stream under way breaks, or all is late. All else is the gateway's business alone."""
MARGIN_S = 1.0
"""How long after a fault a client may still notice it."""


@dataclass(slots=True)
class Replica:
    """One upstream, which may be started again on its port."""

    model: str
    name: str
    stack: ExitStack
    server: Server

    @classmethod
    def start(cls, model: str, name: str, stack: ExitStack) -> "Replica":
        return cls(model, name, stack, stack.enter_context(run_loopback("--model", model, "--name", name)))

    def restart(self) -> None:
        port = str(self.server.port)
        self.server = self.stack.enter_context(run_loopback("--model", self.model, "--name", self.name, "--port", port))


@dataclass(frozen=True, slots=True)
class Happened:
    """One fault."""

    what: str
    began_s: float
    """Since the soak began."""
    ended_s: float


@dataclass(slots=True)
class Injector:
    """Injects one fault after the other, so that each tier always has a replica that is well."""

    gateway: Server
    replicas: list[Replica]
    rng: random.Random
    log: list[Happened] = field(default_factory=list[Happened])
    started_at: float = field(default_factory=time.monotonic)
    running: str | None = None

    async def run(self, *, until_s: float, every_s: float) -> None:
        """Go on until so many seconds after the beginning."""
        faults = {
            "SIGKILL": self._kill,
            "SIGSTOP": self._pause,
            "disk full": self._fill_disk,
            "storm": self._storm,
            "sleepers": self._sleep,
        }
        while self._elapsed_s < until_s:
            await asyncio.sleep(self.rng.expovariate(1 / every_s))
            name = self.rng.choice(list(faults))
            began_at = time.monotonic()
            if self._elapsed_s >= until_s:
                return
            self.running = name
            try:
                await faults[name]()
            finally:
                self.note(name, began_at)
                self.running = None

    def note(self, what: str, began_at: float) -> None:
        """Note what happened from a moment of the monotonic clock until now."""
        self.log.append(Happened(what, began_at - self.started_at, self._elapsed_s))

    def is_quiet(self, began_s: float, ended_s: float) -> bool:
        """Whether nothing of this happened while a request ran, or shortly before it."""
        return self.running not in NOTICED and not any(
            one.what in NOTICED and began_s <= one.ended_s + MARGIN_S and ended_s >= one.began_s
            for one in self.log[-50:]
        )

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self.started_at

    async def _kill(self) -> None:
        replica = self.rng.choice(self.replicas)
        await asyncio.to_thread(replica.server.kill)
        await asyncio.sleep(self.rng.uniform(0, 2))
        await asyncio.to_thread(replica.restart)

    async def _pause(self) -> None:
        process = self.rng.choice(self.replicas).server.process
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(self.rng.uniform(0.1, 3))
        finally:
            process.send_signal(signal.SIGCONT)

    async def _fill_disk(self) -> None:
        pid = self.gateway.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1]))
        try:
            await asyncio.sleep(self.rng.uniform(0.5, 3))
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    async def _storm(self) -> None:
        for _ in range(200):
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.connect(("127.0.0.1", self.gateway.port))
            await asyncio.sleep(0)

    async def _sleep(self) -> None:
        """Clients that connect, send half a head, and then nothing."""
        with ExitStack() as stack:
            for _ in range(20):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", self.gateway.port)))
                client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: ga")
            await asyncio.sleep(self.rng.uniform(0.5, 3))
