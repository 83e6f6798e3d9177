"""`suffice route`: what would be decided for a prompt, without calling a model."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from suffice.cli.gateway import DEFAULT_GATEWAY, ask, read_address, read_key
from suffice.cli.terminal import open_console, print_json, rows_table
from suffice.errors import ConfigError, Mistake

_BAR = 20
"""Characters of the strongest part's bar."""


def route(
    prompt: Annotated[str, typer.Argument(help="The user's message; - reads it from standard input.")],
    *,
    model: Annotated[str, typer.Option(help="auto, auto:cheap, auto@6.5, an alias, a tier.")] = "auto",
    gateway: Annotated[str, typer.Option(metavar="URL", help="The running gateway that decides.")] = DEFAULT_GATEWAY,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Decide by this file here, without a gateway.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Score by this bundle here, without a gateway or a configuration.")
    ] = None,
    key_env: Annotated[str | None, typer.Option(metavar="NAME", help="Variable with the gateway's API key.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show which tier a prompt would go to, and why; no model is called."""
    if config is not None and bundle is not None:
        remedy = "stands beside --config, whose bundle is named in the file; keep one of them"
        raise ConfigError([Mistake("--bundle", str(bundle), remedy)], source="the command line")
    text = typer.get_text_stream("stdin").read() if prompt == "-" else prompt
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
    if bundle is not None:
        from suffice.cli.bundled import rate  # noqa: PLC0415 - asking a gateway needs no bundle

        decision = rate(bundle, body)
    elif config is not None:
        decision = _decide_here(config, body)
    else:
        decision = ask("POST", f"{read_address(gateway)}/v1/route", body=body, key=read_key(key_env, os.environ))
    if as_json:
        print_json(decision)
    else:
        _show(decision)


def _decide_here(path: Path, body: Mapping[str, Any]) -> Mapping[str, Any]:
    from suffice.assembly import dry_run  # noqa: PLC0415 - asking a gateway does not need all of one
    from suffice.config import load  # noqa: PLC0415 - as above

    return dry_run(load(path, os.environ, allow_open=True), json.dumps(body).encode())


def _show(decision: Mapping[str, Any]) -> None:
    console = open_console()
    explanation: Mapping[str, float] = decision.get("explanation", {})
    # Only a bundle's explanation is of parts that add up; other scorers tell what they measured.
    if decision.get("bundle") is None or not explanation:
        console.print(rows_table(_flatten(decision), "", "decision"))
        return
    rest = {name: value for name, value in decision.items() if name != "explanation"}
    console.print(rows_table(_flatten(rest), "", "decision"))
    title = "What moved the complexity most: expected answers gained by the dearest model, of a hundred"
    console.print(rows_table(_contributions(explanation), "word, phrase or count", "moves it", "", title=title))


def _contributions(explanation: Mapping[str, float]) -> Iterator[tuple[str, str, str]]:
    """Rows of what moved a score, each with its sign and a bar as long as it is strong."""
    strongest = max(abs(value) for value in explanation.values()) or 1.0
    for feature, value in explanation.items():
        mark = "+" if value > 0 else "-"
        yield feature, f"{100 * value:+.2f}", mark * round(_BAR * abs(value) / strongest)


def _flatten(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Rows of what is told; what is empty says nothing."""
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flatten(cast("Mapping[str, Any]", value), f"{prefix}{name}.")
        elif isinstance(value, list):
            yield f"{prefix}{name}", ", ".join(str(item) for item in cast("list[Any]", value))
        elif value is not None:
            yield f"{prefix}{name}", f"{value:.4g}" if isinstance(value, float) else str(value)
