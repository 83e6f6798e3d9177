"""The server itself: listens, serves its connections, and stops when it is told to."""

import asyncio
import signal
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from suffice.server.config import ServerConfig
from suffice.server.connection import Connection, Peers
from suffice.server.http import Request, Responder
from suffice.server.limits import Turnstile

BACKLOG = 4096
_LAST_S = 5.0
"""For the tasks of aborted connections to end."""


class Service(Protocol):
    """What is served."""

    @property
    def limits(self) -> ServerConfig:
        """Of new connections."""
        ...

    async def serve(self, request: Request, respond: Responder) -> None:
        """Answer one request; raises nothing but what cancels it."""
        ...


def listen(config: ServerConfig, *, shared: bool = False) -> socket.socket:
    """Open the listening socket, so that its port is known before anything else starts.

    Args:
        config: Host and port.
        shared: Other processes listen on the same port; the system parts connections among them.

    Raises:
        OSError: The address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        opened.bind((config.host, config.port))
    except OSError:
        opened.close()
        raise
    opened.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return opened


def url_of(opened: socket.socket, *, is_tls: bool = False) -> str:
    """Where a listening socket is reached."""
    host, port = opened.getsockname()[:2]
    scheme = "https" if is_tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def run(
    app: Service,
    config: ServerConfig,
    opened: socket.socket,
    turnstile: Turnstile,
    *,
    ready: Callable[[str], None],
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is running within `shutdown_timeout_s`.

    A second signal ends it at once.

    Args:
        app: Answers.
        config: Limits and times.
        opened: The listening socket.
        turnstile: Told when nothing new is taken.
        ready: Called with the address once it listens.
        tls: Our certificate; None: plain HTTP.
    """
    loop = asyncio.get_running_loop()
    told, told_again = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        (told_again if told.is_set() else told).set()

    for name in (signal.SIGTERM, signal.SIGINT):
        with suppress(ValueError, NotImplementedError):  # only the main thread can take signals
            loop.add_signal_handler(name, stop)
    peers = Peers()
    server = await loop.create_server(
        lambda: Connection(app.serve, app.limits, peers),
        sock=opened,
        backlog=BACKLOG,
        ssl=tls,
        ssl_handshake_timeout=config.read_timeout_s if tls is not None else None,
    )
    try:
        ready(url_of(opened, is_tls=tls is not None))
        await told.wait()
    finally:
        turnstile.is_closing = True
        server.close()
        await _finish(peers, told_again, config.shutdown_timeout_s)


async def _finish(peers: Peers, over: asyncio.Event, timeout_s: float) -> None:
    """Let what is running come to its end in time, and hang up on the rest.

    Args:
        peers: The connections.
        over: Set by whoever wants it to end at once.
        timeout_s: For the requests that run.
    """
    peers.finish(over.set)
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await over.wait()
    ended = asyncio.Event()
    peers.finish(ended.set)
    peers.abort()
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_S):
            await ended.wait()
