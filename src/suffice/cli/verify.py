"""`suffice verify`: the same calls through the gateway and straight to the upstream, compared."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer
from rich.progress import Progress

from suffice.cli.comparison import Answer, Comparison, Likeness, compare
from suffice.cli.gateway import read_address, read_key
from suffice.cli.terminal import open_console, print_json, rows_table
from suffice.cli.trials import Trial, make_trials
from suffice.config import Loaded, load
from suffice.errors import ConfigError, GatewayError, Mistake, UpstreamError
from suffice.upstream.config import TierConfig

CALL_TIMEOUT_S = 120.0
_N_SHOWN = 3
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - where such a gateway is reached from here


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a call is made: through the gateway, or straight to a server."""

    base_url: str
    model: str
    headers: Mapping[str, str]
    is_gateway: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One call's result."""

    trial: Trial
    status: int
    """Of the direct answer."""
    comparison: Comparison


def verify(
    file: Annotated[Path, typer.Argument(help="The configuration file that the gateway runs with.")] = Path(
        "suffice.yaml"
    ),
    *,
    gateway: Annotated[
        str | None, typer.Option(metavar="URL", help="The running gateway. [default: the file's server.host and port]")
    ] = None,
    key_env: Annotated[str | None, typer.Option(metavar="NAME", help="Variable with the gateway's API key.")] = None,
    tier: Annotated[str | None, typer.Option(help="Which tier to compare. [default: the first]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make 20 calls through the running gateway and straight to a tier's first server, and show what differs.

    Ids, times and system_fingerprint, added headers and the usage chunk's `suffice` object may differ. Ends with 1 if
    anything else does.
    """
    loaded = load(file, os.environ, allow_open=True)
    chosen = choose_tier(loaded, tier)
    direct, routed = _ways(loaded, chosen, gateway, read_key(key_env, os.environ))
    trials = make_trials()
    with Progress(console=open_console(stderr=True), transient=True, disable=as_json) as progress:
        task = progress.add_task(f"comparing {chosen.name}", total=len(trials))
        results = verify_all(trials, direct, routed, report=lambda: progress.advance(task))
    n_different = sum(result.comparison.likeness is Likeness.DIFFERENT for result in results)
    if as_json:
        print_json(_document(results, chosen, direct, routed))
    else:
        _show(results, direct, routed)
    if n_different:
        raise typer.Exit(1)


def choose_tier(loaded: Loaded, name: str | None) -> TierConfig:
    """The tier to compare.

    Raises:
        ConfigError: There is no such tier, or it plays a tape and has no server to compare with.
    """
    tiers = loaded.config.tiers
    found = next((tier for tier in tiers if name in (None, tier.name)), None)
    if found is None:
        known = ", ".join(tier.name for tier in tiers)
        raise ConfigError([Mistake("--tier", name, f"names no tier; use one of {known}")], source="the command line")
    if not found.base_urls:
        remedy = "plays a tape: there is no server to compare with; name a tier that has base_urls"
        raise ConfigError([Mistake("--tier", found.name, remedy)], source="the command line")
    return found


def verify_all(trials: Sequence[Trial], direct: Way, routed: Way, *, report: Callable[[], None]) -> list[Verified]:
    """Make every call twice directly and once through the gateway, one after the other.

    Args:
        trials: The calls.
        direct: The upstream's server.
        routed: The gateway.
        report: Told after each trial.

    Raises:
        UpstreamError: The server cannot be reached.
        GatewayError: The gateway cannot be reached.
    """
    return asyncio.run(_verify_all(trials, direct, routed, report))


async def _verify_all(trials: Sequence[Trial], direct: Way, routed: Way, report: Callable[[], None]) -> list[Verified]:
    results: list[Verified] = []
    timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for trial in trials:
            first = await _call(session, direct, trial)
            through = await _call(session, routed, trial)
            again = await _call(session, direct, trial)
            results.append(Verified(trial=trial, status=first.status, comparison=compare(first, again, through)))
            report()
    return results


async def _call(session: aiohttp.ClientSession, way: Way, trial: Trial) -> Answer:
    body = json.dumps({"model": way.model, **trial.body}).encode()
    url = way.base_url + trial.path
    headers = {"content-type": "application/json", **way.headers}
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            return Answer(status=answer.status, content_type=answer.content_type, body=await answer.read())
    except (aiohttp.ClientError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        if way.is_gateway:
            raise GatewayError(f"{trial.name}: no answer from {url} ({reason}); is `suffice serve` running?") from error
        raise UpstreamError(f"{trial.name}: no answer from {url} ({reason}); see `suffice check`") from error


def _ways(loaded: Loaded, tier: TierConfig, gateway: str | None, key: str | None) -> tuple[Way, Way]:
    upstream = {}
    if tier.api_key_env is not None:
        upstream = {"authorization": f"Bearer {loaded.secrets[tier.api_key_env].reveal()}"}
    routed = {"x-suffice-cache": "no-store", **({"authorization": f"Bearer {key}"} if key else {})}
    address = read_address(gateway) if gateway is not None else _own_address(loaded)
    return (
        Way(base_url=tier.base_urls[0].rstrip("/"), model=tier.model, headers=upstream, is_gateway=False),
        Way(base_url=f"{address}/v1", model=tier.name, headers=routed, is_gateway=True),
    )


def _own_address(loaded: Loaded) -> str:
    server = loaded.config.server
    if server.port == 0:
        remedy = "is 0, so the running gateway's port is not known; give it with --gateway"
        raise ConfigError([Mistake("server.port", 0, remedy)])
    host = _ANY_ADDRESS.get(server.host, f"[{server.host}]" if ":" in server.host else server.host)
    return f"http://{host}:{server.port}"


def _show(results: Sequence[Verified], direct: Way, routed: Way) -> None:
    rows = [
        (
            result.trial.name,
            str(result.status),
            result.comparison.likeness.value,
            "\n".join(_shorten(result.comparison.where)),
        )
        for result in results
    ]
    console = open_console()
    console.print(f"{routed.base_url} as {routed.model!r} and {direct.base_url} as {direct.model!r}", markup=False)
    console.print(rows_table(rows, "call", "status", "answers", "where"))
    counts = {likeness: sum(r.comparison.likeness is likeness for r in results) for likeness in Likeness}
    console.print(f"{len(results)} calls: {', '.join(f'{n} {likeness.value}' for likeness, n in counts.items() if n)}")
    if counts[Likeness.SAME_SHAPE]:
        console.print(
            "'same shape': the server answers the same call differently each time; fields and types were compared."
        )


def _shorten(where: Sequence[str]) -> list[str]:
    hidden = len(where) - _N_SHOWN
    return [*where[:_N_SHOWN], *([f"and {hidden} more (--json lists them)"] if hidden > 0 else [])]


def _document(results: Sequence[Verified], tier: TierConfig, direct: Way, routed: Way) -> dict[str, Any]:
    return {
        "gateway": routed.base_url,
        "server": direct.base_url,
        "tier": tier.name,
        "n_calls": len(results),
        "n_different": sum(result.comparison.likeness is Likeness.DIFFERENT for result in results),
        "calls": [
            {
                "name": result.trial.name,
                "status": result.status,
                "answers": result.comparison.likeness.value,
                "where": list(result.comparison.where),
            }
            for result in results
        ],
    }
