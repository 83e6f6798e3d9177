"""`suffice serve`: run the gateway."""

import logging
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suffice.errors import ConfigError, Mistake

if TYPE_CHECKING:
    from suffice.config import Loaded

_LOG_FORM = "%(asctime)s %(levelname)s %(name)s %(message)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says of a gateway, besides its file."""

    path: Path
    host: str | None
    port: int | None
    workers: int | None
    log_level: str
    allow_open: bool

    def read(self) -> "Loaded":
        """Read the file, with what the command line says in place of what the file does.

        Raises:
            ConfigError: It holds mistakes, or the address is no good.
        """
        from suffice.config import load  # noqa: PLC0415 - `suffice --help` need not load the gateway

        loaded = load(self.path, os.environ, allow_open=self.allow_open or self.host is not None)
        server = loaded.config.server
        server = replace(
            server,
            host=server.host if self.host is None else self.host,
            port=server.port if self.port is None else self.port,
            workers=server.workers if self.workers is None else self.workers,
        )
        loaded = replace(loaded, config=replace(loaded.config, server=server))
        _check_address(loaded, allow_open=self.allow_open)
        return loaded


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = Path("suffice.yaml"),
    host: Annotated[str | None, typer.Option(help="Address to listen on, in place of server.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, in place of server.port.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that serve, in place of server.workers.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "warning",
    *,
    allow_open: Annotated[
        bool, typer.Option("--allow-open", help="Listen beyond loopback without API keys: anybody may call.")
    ] = False,
    worker_channel: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C; running requests are finished first."""
    if log_level.lower() not in {"debug", "info", "warning", "error"}:
        raise typer.BadParameter(f"{log_level!r} is none of debug, info, warning, error", param_hint="--log-level")
    logging.basicConfig(level=log_level.upper(), stream=sys.stderr, format=_LOG_FORM)
    wanted = Wanted(path=config, host=host, port=port, workers=workers, log_level=log_level, allow_open=allow_open)
    loaded = wanted.read()
    from suffice.cli import serving  # noqa: PLC0415 - as above

    if worker_channel is not None:
        serving.run_worker(loaded, wanted, worker_channel)
        return
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if loaded.config.server.workers > 1:
        serving.run_team(loaded, wanted)
    else:
        serving.run_alone(loaded, wanted)


def _check_address(loaded: "Loaded", *, allow_open: bool) -> None:
    """The check that the file's own address has passed, for one given on the command line."""
    from suffice.config.servers import is_loopback  # noqa: PLC0415 - as above

    server = loaded.config.server
    if not 0 <= server.port <= 65535:
        raise ConfigError([Mistake("--port", server.port, "is no port; use 0 to 65535")])
    if not (is_loopback(server.host) or loaded.config.auth.keys or allow_open):
        remedy = "is reachable by others without a key: add one to auth.keys (`suffice key NAME`), or say --allow-open"
        raise ConfigError([Mistake("--host", server.host, remedy)])
