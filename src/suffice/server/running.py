"""The server itself: uvicorn with our protocol, told when it listens and when it should stop."""

import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import uvicorn

from suffice.server.app import App
from suffice.server.config import ServerConfig
from suffice.server.limits import Turnstile
from suffice.server.protocol import strict_protocol

logger = logging.getLogger("suffice.server")

BACKLOG = 4096


class _Quiet(uvicorn.Server):
    """Uvicorn, with the signals left to us, saying when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.listening.set()

    def break_off(self) -> None:
        """Abort every connection, which cancels what runs on it as if its client had hung up."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none: `run` handles them, because the turnstile must hear of them too."""
        yield


def listen(config: ServerConfig) -> socket.socket:
    """Open the listening socket, so that its port is known before anything else starts.

    Raises:
        OSError: The address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
    app: App,
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
    server = _Quiet(
        uvicorn.Config(
            app,
            http=strict_protocol(config),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=int(max(1, config.idle_timeout_s)),
            timeout_graceful_shutdown=int(max(1, config.shutdown_timeout_s)),
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        )
    )

    def stop() -> None:
        if turnstile.is_closing:
            server.force_exit = True
            server.break_off()
        turnstile.is_closing = True
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with suppress(ValueError, NotImplementedError):  # only the main thread can take signals
            loop.add_signal_handler(name, stop)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve([opened]))
        await server.listening.wait()
        ready(url_of(opened, is_tls=tls is not None))
