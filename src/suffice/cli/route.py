"""`suffice route`: what would be decided for a prompt, without calling a model."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from suffice.cli.gateway import DEFAULT_GATEWAY, ask, read_address, read_key
from suffice.cli.terminal import open_console, print_json, rows_table


def route(
    prompt: Annotated[str, typer.Argument(help="The user's message; - reads it from standard input.")],
    *,
    model: Annotated[str, typer.Option(help="auto, auto:cheap, auto@6.5, an alias, a tier.")] = "auto",
    gateway: Annotated[str, typer.Option(metavar="URL", help="The running gateway that decides.")] = DEFAULT_GATEWAY,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Decide by this file here, without a gateway.")
    ] = None,
    key_env: Annotated[str | None, typer.Option(metavar="NAME", help="Variable with the gateway's API key.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show which tier a prompt would go to, and why; no model is called."""
    text = typer.get_text_stream("stdin").read() if prompt == "-" else prompt
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
    if config is not None:
        decision = _decide_here(config, body)
    else:
        decision = ask("POST", f"{read_address(gateway)}/v1/route", body=body, key=read_key(key_env, os.environ))
    if as_json:
        print_json(decision)
    else:
        open_console().print(rows_table(_flatten(decision), "", "decision"))


def _decide_here(path: Path, body: Mapping[str, Any]) -> Mapping[str, Any]:
    from suffice.assembly import dry_run  # noqa: PLC0415 - asking a gateway does not need all of one
    from suffice.config import load  # noqa: PLC0415 - as above

    return dry_run(load(path, os.environ, allow_open=True), json.dumps(body).encode())


def _flatten(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Rows of what is told; what is empty says nothing."""
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flatten(cast("Mapping[str, Any]", value), f"{prefix}{name}.")
        elif isinstance(value, list):
            yield f"{prefix}{name}", ", ".join(str(item) for item in cast("list[Any]", value))
        elif value is not None:
            yield f"{prefix}{name}", f"{value:.4g}" if isinstance(value, float) else str(value)
