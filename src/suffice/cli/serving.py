"""A gateway as one process, and what each of several does as well."""

import asyncio
import gc
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import typer
import uvloop

from suffice.assembly import Generations, Lasting, open_lasting
from suffice.cli.wanted import Wanted
from suffice.config import Loaded
from suffice.config.tls import server_tls
from suffice.errors import ConfigError, Mistake
from suffice.server.config import ServerConfig
from suffice.server.running import listen, run


def run_alone(loaded: Loaded, wanted: Wanted) -> None:
    """Serve in this process."""
    run_loop(_serve_alone(loaded, wanted))


async def _serve_alone(loaded: Loaded, wanted: Wanted) -> None:
    opened = open_port(loaded.config.server)
    async with (
        open_lasting(loaded) as lasting,
        open_generations(loaded, lasting, wanted.read, wanted.path) as generations,
    ):
        for warning in generations.gateway.warnings:
            typer.echo(f"warning: {warning}", err=True)
        tls = server_tls(loaded.config, loaded.folder)
        await run(generations, loaded.config.server, opened, lasting.turnstile, ready=announce, tls=tls)


def run_loop(work: Coroutine[None, None, None]) -> None:
    """Run something on an event loop until its end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


@asynccontextmanager
async def open_generations(
    loaded: Loaded, lasting: Lasting, read: Callable[[], Loaded], path: Path
) -> AsyncGenerator[Generations]:
    """What serves, and takes a changed file while it does.

    Args:
        loaded: The first configuration.
        lasting: What outlives it.
        read: Reads the file again.
        path: The file.
    """
    generations = Generations(lasting, read)
    await generations.open(loaded)
    watching = asyncio.create_task(generations.watch(path))
    _calm_collector()
    try:
        yield generations
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await generations.close()


def open_port(server: ServerConfig, *, shared: bool = False) -> socket.socket:
    """Open the listening socket.

    Raises:
        ConfigError: The port is taken, or the address not ours.
    """
    try:
        return listen(server, shared=shared)
    except OSError as error:
        remedy = f"cannot be listened on ({error.strerror or error}); stop what uses it, or take another with --port"
        raise ConfigError([Mistake("server.port", f"{server.host}:{server.port}", remedy)]) from error


def announce(url: str) -> None:
    """Say where the gateway listens, on one line that programs wait for."""
    sys.stdout.write(f"listening on {url}\n")
    sys.stdout.flush()


def _calm_collector() -> None:
    """What stands now stays, so the garbage collector need not look at it again and again.

    Requests make no cycles of their own, so it may come less often as well; that takes a tenth off what one costs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
