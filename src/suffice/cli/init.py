"""`suffice init`: look for running servers and write a configuration to start from."""

import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from suffice.cli.drafting import draft_found, draft_named
from suffice.cli.probing import Probe, Target, probe_all
from suffice.cli.skeleton import Skeleton, render
from suffice.cli.terminal import open_console, print_json, rows_table
from suffice.config import parse
from suffice.errors import ConfigError, Mistake

USUAL_SERVERS: Mapping[int, str] = {8000: "vLLM", 8080: "llama-server", 11434: "Ollama", 1234: "LM Studio"}
USUAL_PORTS = ",".join(map(str, USUAL_SERVERS))
_TIMEOUT_S = 2.0
_GATEWAY_PORTS = (8080, 8088, 8090, 9080)


def init(
    path: Annotated[Path, typer.Option(help="The file to write.")] = Path("suffice.yaml"),
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    small: Annotated[str | None, typer.Option(metavar="URL", help="Server of the small model.")] = None,
    large: Annotated[str | None, typer.Option(metavar="URL", help="Server of the large model.")] = None,
    ports: Annotated[str, typer.Option(help="Loopback ports to look at.")] = USUAL_PORTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look for running model servers and write a commented suffice.yaml, in mode observe."""
    if path.exists() and not force:
        remedy = "exists; --force overwrites it, --path names another"
        raise ConfigError([Mistake("--path", str(path), remedy)], source="the command line")
    if (small is None) != (large is None):
        raise typer.BadParameter("--small and --large belong together", param_hint="--small")
    console = open_console(stderr=True)
    if small is not None and large is not None:
        probes = _look_at([_read_url(small, "--small"), _read_url(large, "--large")], console)
        skeleton = draft_named(probes[0], probes[1], _find_port())
    else:
        probes = _look_at([f"http://127.0.0.1:{port}/v1" for port in _read_ports(ports)], console)
        skeleton = draft_found(probes, _find_port())
    text = render(skeleton)
    parse(text, {}, source=str(path), folder=path.parent)
    _write(path, text)
    if as_json:
        print_json(_document(path, probes, skeleton))
    else:
        _tell(path, probes, skeleton)


def _look_at(urls: Sequence[str], console: Console) -> list[Probe]:
    with console.status("looking for model servers"):
        return probe_all([Target(base_url=url) for url in urls], timeout_s=_TIMEOUT_S, report=lambda _: None)


def _read_url(url: str, option: str) -> str:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        is_url = False
    if not is_url:
        raise typer.BadParameter(f"{url!r} is no URL such as http://10.0.0.11:8000/v1", param_hint=option)
    plain = url.rstrip("/")
    return plain if urlsplit(plain).path else f"{plain}/v1"


def _read_ports(text: str) -> list[int]:
    words = [word for word in re.split(r"[,\s]+", text) if word]
    if not all(word.isascii() and word.isdigit() and 0 < int(word) < 65536 for word in words):
        raise typer.BadParameter(f"{text!r} are no ports such as {USUAL_PORTS}", param_hint="--ports")
    return [int(word) for word in words]


def _find_port() -> int:
    """A port for the gateway that nobody uses now; llama-server likes the default one too."""
    for port in _GATEWAY_PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return _GATEWAY_PORTS[0]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        mistake = Mistake("--path", str(path), f"cannot be written: {error.strerror}")
        raise ConfigError([mistake], source="the command line") from error


def _tell(path: Path, probes: Sequence[Probe], skeleton: Skeleton) -> None:
    rows = [
        (
            probe.base_url,
            USUAL_SERVERS.get(urlsplit(probe.base_url).port or 0, ""),
            ", ".join(model.name for model in probe.models) or probe.problem or "no model",
        )
        for probe in probes
    ]
    console = open_console()
    console.print(rows_table(rows, "server", "usually", "models"))
    for tier in skeleton.tiers:
        console.print(f"{tier.name}: {tier.model}", markup=False)
    console.print(skeleton.order, markup=False)
    console.print(f"Wrote {path}. Fill in the prices, then: suffice check {path}", markup=False, soft_wrap=True)


def _document(path: Path, probes: Sequence[Probe], skeleton: Skeleton) -> dict[str, object]:
    return {
        "path": str(path),
        "servers": [
            {"base_url": probe.base_url, "models": [model.name for model in probe.models], "problem": probe.problem}
            for probe in probes
        ],
        "tiers": [
            {
                "name": tier.name,
                "model": tier.model,
                "base_urls": list(tier.base_urls),
                "context_tokens": tier.context_tokens,
            }
            for tier in skeleton.tiers
        ],
        "order": skeleton.order,
        "port": skeleton.port,
    }
