"""`suffice reload`: make a running gateway read its configuration and its bundle again."""

import os
from collections.abc import Mapping
from typing import Annotated, Any, cast

import typer

from suffice.cli.gateway import DEFAULT_GATEWAY, ask, read_address, read_key
from suffice.cli.terminal import open_console, print_json, rows_table

_SHOWN = {
    "reloaded": "reloaded",
    "configuration": "configuration",
    "scorer": "scorer",
    "bundle": "id",
    "created": "created",
    "generic": "generic",
    "path": "path",
    "max complexity": "max_complexity",
}
"""Names of the rows, and of what the gateway tells; without a bundle it tells less."""


def reload(
    *,
    gateway: Annotated[str, typer.Option(metavar="URL", help="The running gateway.")] = DEFAULT_GATEWAY,
    key_env: Annotated[str | None, typer.Option(metavar="NAME", help="Variable with an admin's API key.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a running gateway read its configuration and bundle again; one that it refuses leaves the old in force."""
    document = ask("POST", f"{read_address(gateway)}/admin/reload", key=read_key(key_env, os.environ))
    if as_json:
        print_json(document)
    else:
        rows = [(row, _show(document[name])) for row, name in _SHOWN.items() if document.get(name) is not None]
        open_console().print(rows_table(rows, "", "now in force"))


def _show(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {limit:g}" for name, limit in cast("Mapping[str, Any]", value).items())
    return str(value)
