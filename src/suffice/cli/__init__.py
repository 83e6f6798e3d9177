"""The command line: one file per command, loaded when it is called."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from suffice import __version__
from suffice.cli.terminal import print_error
from suffice.errors import BundleError, ConfigError, DatasetError, RequestError, SufficeError

COMMANDS = (
    "init", "check", "serve", "verify", "mode", "reload", "route", "stats", "key", "import", "label", "train",
    "evaluate", "score", "calibrate", "promote", "demo",
)  # fmt: skip
"""Each is a function of that name in a module of that name, in the order of `suffice --help`."""


def load_command(name: str) -> Callable[..., None]:
    """The function behind a command; of a name that Python keeps for itself, it ends in an underscore."""
    spelled = f"{name}_" if iskeyword(name) else name
    function: Callable[..., None] = getattr(import_module(f"{__name__}.{spelled}"), spelled)
    return function


class _Commands(TyperGroup):
    """Knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - typer's signature
        if cmd_name not in COMMANDS:
            return None
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name)(load_command(cmd_name))
        return typer.main.get_command(single)


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"suffice {__version__}")
        raise typer.Exit


@app.callback()
def suffice(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Answer each request with the smallest model that suffices."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; exits with 0 if all is well, 2 if the caller must change something, else 1.

    Args:
        arguments: In place of the command line's.
    """
    try:
        app(arguments, prog_name="suffice")
    except SufficeError as error:
        print_error(error)
        sys.exit(2 if isinstance(error, BundleError | ConfigError | DatasetError | RequestError) else 1)
