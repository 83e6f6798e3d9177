"""`suffice serve`: run the gateway."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

_LOG_FORM = "%(asctime)s %(levelname)s %(name)s %(message)s"


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = Path("suffice.yaml"),
    host: Annotated[str | None, typer.Option(help="Address to listen on, in place of server.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, in place of server.port.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Processes that serve on the port, in place of server.workers."),
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "warning",
    *,
    allow_open: Annotated[
        bool, typer.Option("--allow-open", help="Listen beyond loopback without API keys: anybody may call.")
    ] = False,
    worker: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C; running requests are finished first.

    It takes a changed configuration while it serves; what cannot be used is refused, and told in the log.
    """
    if log_level.lower() not in {"debug", "info", "warning", "error"}:
        raise typer.BadParameter(f"{log_level!r} is none of debug, info, warning, error", param_hint="--log-level")
    logging.basicConfig(level=log_level.upper(), stream=sys.stderr, format=_LOG_FORM)
    from suffice.cli.wanted import Wanted  # noqa: PLC0415 - `suffice --help` need not load the gateway

    wanted = Wanted(path=config, host=host, port=port, workers=workers, log_level=log_level, allow_open=allow_open)
    if worker is not None:
        from suffice.cli import workers as team  # noqa: PLC0415 - as above

        team.run_worker(wanted, worker)
        return
    loaded = wanted.read()
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if loaded.config.server.workers > 1:
        from suffice.cli import workers as team  # noqa: PLC0415 - as above

        team.run_team(loaded, wanted)
    else:
        from suffice.cli import serving  # noqa: PLC0415 - as above

        serving.run_alone(loaded, wanted)
