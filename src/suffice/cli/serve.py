"""`suffice serve`: run the gateway."""

import asyncio
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suffice.errors import ConfigError, Mistake

if TYPE_CHECKING:
    from suffice.config import Loaded

_LOG_FORM = "%(asctime)s %(levelname)s %(name)s %(message)s"


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = Path("suffice.yaml"),
    host: Annotated[str | None, typer.Option(help="Address to listen on, in place of server.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, in place of server.port.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "warning",
    *,
    allow_open: Annotated[
        bool, typer.Option("--allow-open", help="Listen beyond loopback without API keys: anybody may call.")
    ] = False,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C; running requests are finished first."""
    from suffice.config import load  # noqa: PLC0415 - `suffice --help` need not load the gateway

    if log_level.lower() not in {"debug", "info", "warning", "error"}:
        raise typer.BadParameter(f"{log_level!r} is none of debug, info, warning, error", param_hint="--log-level")
    logging.basicConfig(level=log_level.upper(), stream=sys.stderr, format=_LOG_FORM)
    loaded = load(config, os.environ, allow_open=allow_open or host is not None)
    server = loaded.config.server
    server = replace(server, host=server.host if host is None else host, port=server.port if port is None else port)
    loaded = replace(loaded, config=replace(loaded.config, server=server))
    _check_address(loaded, allow_open=allow_open)
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    import uvloop  # noqa: PLC0415 - as above

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(loaded))


async def _serve(loaded: "Loaded") -> None:
    from suffice.assembly import open_gateway  # noqa: PLC0415 - as above
    from suffice.config.tls import server_tls  # noqa: PLC0415 - as above
    from suffice.server.running import listen, run  # noqa: PLC0415 - as above

    server = loaded.config.server
    tls = server_tls(loaded.config, loaded.folder)
    try:
        opened = listen(server)
    except OSError as error:
        remedy = f"cannot be listened on ({error.strerror or error}); stop what uses it, or take another with --port"
        raise ConfigError([Mistake("server.port", f"{server.host}:{server.port}", remedy)]) from error
    async with open_gateway(loaded) as gateway:
        for warning in gateway.warnings:
            typer.echo(f"warning: {warning}", err=True)
        await run(gateway.app, server, opened, gateway.turnstile, ready=_announce, tls=tls)


def _announce(url: str) -> None:
    """Say where the gateway listens, on one line that programs wait for."""
    sys.stdout.write(f"listening on {url}\n")
    sys.stdout.flush()


def _check_address(loaded: "Loaded", *, allow_open: bool) -> None:
    """The check that the file's own address has passed, for one given on the command line."""
    from suffice.config.servers import is_loopback  # noqa: PLC0415 - as above

    server = loaded.config.server
    if not 0 <= server.port <= 65535:
        raise ConfigError([Mistake("--port", server.port, "is no port; use 0 to 65535")])
    if not (is_loopback(server.host) or loaded.config.auth.keys or allow_open):
        remedy = "is reachable by others without a key: add one to auth.keys (`suffice key NAME`), or say --allow-open"
        raise ConfigError([Mistake("--host", server.host, remedy)])
