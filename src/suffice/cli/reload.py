"""`suffice reload`: make a running gateway read its bundle again."""

import os
from collections.abc import Mapping
from typing import Annotated, Any, cast

import typer

from suffice.cli.gateway import DEFAULT_GATEWAY, ask, read_address, read_key
from suffice.cli.terminal import open_console, print_json, rows_table

_SHOWN = ("reloaded", "id", "created", "generic", "path", "max_complexity")


def reload(
    *,
    gateway: Annotated[str, typer.Option(metavar="URL", help="The running gateway.")] = DEFAULT_GATEWAY,
    key_env: Annotated[str | None, typer.Option(metavar="NAME", help="Variable with an admin's API key.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a running gateway read its bundle again, at once; a bundle that it refuses leaves the old one in force."""
    document = ask("POST", f"{read_address(gateway)}/admin/reload", key=read_key(key_env, os.environ))
    if as_json:
        print_json(document)
    else:
        rows = [(name.replace("_", " "), _show(document[name])) for name in _SHOWN]
        open_console().print(rows_table(rows, "", "now in force"))


def _show(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {limit:g}" for name, limit in cast("Mapping[str, Any]", value).items())
    return str(value)
