"""Two ends of a channel in one process."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from suffice.server.workers.channel import Channel, Handler


@dataclass(frozen=True, slots=True)
class Ends:
    """Both, each running."""

    ours: Channel
    theirs: Channel
    our_run: asyncio.Task[None]
    their_run: asyncio.Task[None]


@asynccontextmanager
async def open_ends(
    theirs: Mapping[str, Handler] | None = None, *, ours: Mapping[str, Handler] | None = None
) -> AsyncGenerator[Ends]:
    """Open a channel.

    Args:
        theirs: What the far end does with messages.
        ours: What the near end does.
    """
    left, right = socket.socketpair()
    near = Channel(*await asyncio.open_connection(sock=left), ours or {})
    far = Channel(*await asyncio.open_connection(sock=right), theirs or {})
    runs = [asyncio.create_task(end.run()) for end in (near, far)]
    try:
        async with asyncio.timeout(20.0):
            yield Ends(near, far, *runs)
    finally:
        for run in runs:
            run.cancel()
        await asyncio.wait(runs)
