"""`suffice mode`: read or switch the mode of a running gateway."""

import os
from typing import Annotated, Any

import typer

from suffice.cli.gateway import DEFAULT_GATEWAY, ask, read_address, read_key
from suffice.cli.terminal import open_console, print_json, rows_table
from suffice.vocabulary import Mode


def mode(
    wanted: Annotated[Mode | None, typer.Argument(metavar="[MODE]", help="observe, canary or route.")] = None,
    *,
    percent: Annotated[float | None, typer.Option(min=0, max=100, help="Share that canary routes.")] = None,
    gateway: Annotated[str, typer.Option(metavar="URL", help="The running gateway.")] = DEFAULT_GATEWAY,
    key_env: Annotated[str | None, typer.Option(metavar="NAME", help="Variable with an admin's API key.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the mode of a running gateway, or switch it until the gateway restarts; `observe` is the kill switch."""
    if percent is not None and wanted is not Mode.CANARY:
        raise typer.BadParameter("belongs to `suffice mode canary`", param_hint="--percent")
    url = f"{read_address(gateway)}/admin/mode"
    key = read_key(key_env, os.environ)
    if wanted is None:
        document = ask("GET", url, key=key)
    else:
        body: dict[str, Any] = {"mode": wanted.value}
        document = ask("PUT", url, body=body if percent is None else {**body, "canary_percent": percent}, key=key)
    if as_json:
        print_json(document)
    else:
        rows = [(name.replace("_", " "), str(value)) for name, value in document.items()]
        open_console().print(rows_table(rows, "", "in force" if wanted is None else "now in force"))
