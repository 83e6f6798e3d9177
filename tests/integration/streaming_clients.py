"""Clients that read a stream over a bare socket, and may hang up at any moment."""

import asyncio
import json
import socket
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from suffice.testing import Server

CHAT = "/v1/chat/completions"


def request_bytes(text: str, **fields: Any) -> bytes:
    """A chat request, by default to `auto`, which is made to begin with `small`."""
    body = json.dumps({"model": "auto@10", "messages": [{"role": "user", "content": text}], **fields}).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def connect(server: Server, request: bytes) -> socket.socket:
    """Send a request and leave its answer unread."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    connection.sendall(request)
    return connection


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    """Read until `mark` has come; the end of the connection before that is an error."""
    received = b""
    while mark not in received:
        chunk = connection.recv(65536)
        if not chunk:
            raise EOFError(received)
        received += chunk
    return received


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What became of many clients."""

    n_whole: int
    """Read their stream up to `[DONE]`, and the response to its end."""
    n_left: int
    """Hung up, as they were told to."""
    n_broken: int
    """Anything else."""


async def run_crowd(port: int, *, staying: tuple[int, bytes], leaving: tuple[int, bytes]) -> Crowd:
    """Open many streams at once; some clients go away as soon as all streams run.

    Args:
        port: Of the server.
        staying: How many clients read to the end, and what they ask.
        leaving: How many go away, and what they ask: something without an end, or they might come too late.
    """
    n = staying[0] + leaving[0]
    everybody_reads = asyncio.Barrier(n)

    async def read(request: bytes, *, leaves: bool) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with closing(writer):
            writer.write(request)
            await reader.readuntil(b"data: ")
            # Nobody goes on before all streams run: they are concurrent by construction.
            await everybody_reads.wait()
            rest = b"" if leaves else await reader.readuntil(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        if b"error" in rest:
            return "broken"
        return "whole" if rest else "left"

    async def read_or_break(request: bytes, *, leaves: bool) -> str:
        try:
            return await read(request, leaves=leaves)
        except (OSError, asyncio.IncompleteReadError, asyncio.BrokenBarrierError):
            await everybody_reads.abort()
            return "broken"

    async with asyncio.timeout(100), asyncio.TaskGroup() as group:
        tasks = [group.create_task(read_or_break(leaving[1], leaves=True)) for _ in range(leaving[0])]
        tasks += [group.create_task(read_or_break(staying[1], leaves=False)) for _ in range(staying[0])]
    ends = [task.result() for task in tasks]
    return Crowd(n_whole=ends.count("whole"), n_left=ends.count("left"), n_broken=ends.count("broken"))
