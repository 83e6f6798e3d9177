"""`suffice key`: make an API key for clients of the gateway."""

import hashlib
import secrets
from typing import Annotated

import typer

from suffice.cli.quoting import quote
from suffice.cli.terminal import print_json
from suffice.errors import ConfigError, Mistake

PREFIX = "sk-suffice-"
N_RANDOM_BYTES = 32


def key(
    name: Annotated[str, typer.Argument(help="What records call the key: an application or a team.")],
    *,
    admin: Annotated[bool, typer.Option("--admin", help="May also use /admin and /metrics.")] = False,
    profile: Annotated[str | None, typer.Option(help="Profile of the requests with this key.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make an API key, show it once, and show the lines that let it in."""
    if not name.strip() or not name.isprintable():
        raise ConfigError([Mistake("NAME", name, "is no name that records can show")], source="the command line")
    made = PREFIX + secrets.token_urlsafe(N_RANDOM_BYTES)
    hashed = "sha256:" + hashlib.sha256(made.encode()).hexdigest()
    lines = _lines(name, hashed, admin=admin, profile=profile)
    if as_json:
        print_json({"name": name, "key": made, "hash": hashed, "admin": admin, "profile": profile, "yaml": lines})
        return
    typer.echo(f"{made}\n", nl=True)
    typer.echo("This key is shown once and stored nowhere; give it to the client. Put its hash into suffice.yaml:\n")
    typer.echo(f"auth:\n  keys:\n{lines}")


def _lines(name: str, hashed: str, *, admin: bool, profile: str | None) -> str:
    """The item of `auth.keys`, indented as it stands there."""
    lines = [f"- name: {quote(name)}", f"  hash: {hashed}"]
    if profile is not None:
        lines.append(f"  profile: {quote(profile)}")
    if admin:
        lines.append("  admin: true")
    return "".join(f"    {line}\n" for line in lines)
