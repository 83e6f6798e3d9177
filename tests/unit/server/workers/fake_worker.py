"""A worker that serves nothing: says what a supervisor waits for, and behaves as it is told.

Run as `python fake_worker.py BEHAVIOUR NUMBER CHANNEL`; notes what happens in files `WHAT-NUMBER`.
"""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import msgspec

from suffice.errors import ChannelError, ConflictError
from suffice.server.workers.channel import Channel
from suffice.server.workers.orders import JOIN, MODE, READY, RECORDS, SPREAD, Order, decode_order, encode_order
from suffice.testing import wait_until
from suffice.testing.outcomes import make_outcome

N_RECORDS = 300


class FakeWorker:
    """One of them."""

    def __init__(self, behaviour: str, number: int) -> None:
        self.behaviour = behaviour
        self.number = number
        self.n_lives = self.note("started")
        self.n_signals = 0
        self.over = asyncio.Event()
        self.channel: Channel

    async def run(self, talk: socket.socket) -> None:
        """Live."""
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, self._end)
        self.channel = Channel(*await asyncio.open_connection(sock=talk), {SPREAD: self._obey})
        talking = asyncio.create_task(self.channel.run())
        talking.add_done_callback(lambda _: self.over.set())
        missed = await self.channel.ask(JOIN)
        self.note("joined", missed)
        self.channel.tell(READY)
        await self._act()
        await self.over.wait()
        if self.behaviour == "records":
            batch = [make_outcome(1000 * self.number + n) for n in range(N_RECORDS)]
            await self.channel.ask(RECORDS, msgspec.msgpack.encode(batch))

    async def _act(self) -> None:
        is_first_life = self.n_lives == 1
        if self.behaviour == "dies once" and is_first_life:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.behaviour == "gibberish" and is_first_life:
            self.channel._writer.write(b"\xff" * 8)  # pyright: ignore[reportPrivateUsage] - on purpose
        if self.behaviour in {"spreads", "refuses"} and self.number == 0:
            await asyncio.to_thread(wait_until, Path("go").exists, timeout_s=20.0)
            await self._spread()

    async def _spread(self) -> None:
        for mode in (b"observe", b"route"):
            try:
                await self.channel.ask(SPREAD, encode_order(Order(MODE, mode)))
                self.note("answer", b"done")
            except ChannelError as error:
                self.note("answer", str(error).encode())

    async def _obey(self, body: bytes) -> bytes:
        self.note("obeyed", decode_order(body).body)
        if self.behaviour == "refuses" and self.number == 1:
            raise ConflictError("not me")
        return b""

    def _end(self) -> None:
        self.n_signals += 1
        self.note("signalled")
        if self.behaviour == "stubborn" or (self.behaviour == "patient" and self.n_signals < 2):
            return
        self.over.set()

    def note(self, what: str, more: bytes = b"") -> int:
        """Write down what happened; returns how often it has."""
        path = Path(f"{what}-{self.number}")
        with path.open("ab") as file:
            file.write(more + b"\n")
        return path.read_bytes().count(b"\n")


if __name__ == "__main__":
    worker = FakeWorker(sys.argv[1], int(sys.argv[2]))
    if worker.behaviour == "fails" or (worker.behaviour == "one fails" and worker.number == 1):
        sys.exit(3)
    asyncio.run(worker.run(socket.socket(fileno=int(sys.argv[3]))))
