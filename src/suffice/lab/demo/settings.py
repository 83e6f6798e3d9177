"""The gateway's configuration file for a run of the demo."""

from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import yaml

from suffice.errors import DemoError
from suffice.lab.demo.plan import LARGE, PRICES_USD_PER_MILLION, SMALL, TAPES, DemoPlan, LiveServer

_MODELS_TIMEOUT_S = 10.0


async def write_settings(plan: DemoPlan, folder: Path) -> Path:
    """Write `suffice.yaml` into `folder`.

    The decision cache is off, so that no row of the table profits from the rows before it.

    Raises:
        DemoError: A live server does not list its models.
    """
    tiers = [_tape_tier(plan, name) for name in (SMALL, LARGE)]
    if plan.live:
        tiers = [await _live_tier(name, server) for name, server in zip((SMALL, LARGE), plan.live, strict=True)]
    document = {
        "tiers": tiers,
        "routing": {"mode": "route", "accept_generic_bundle": True},
        "cache": {"enabled": False},
        "recording": {"path": "demo.sqlite"},
        "server": {"host": "127.0.0.1", "port": 0, "shutdown_timeout_s": 5.0},
    }
    path = folder / "suffice.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    return path


def _price(name: str) -> dict[str, float]:
    usd = PRICES_USD_PER_MILLION[name]
    return {"input": usd, "output": usd}


def _tape_tier(plan: DemoPlan, name: str) -> dict[str, Any]:
    tape = {"model": TAPES[name], "slots": plan.slots, "speedup": plan.speedup}
    return {"name": name, "model": TAPES[name], "context_tokens": 32_768, "price": _price(name), "tape": tape}


async def _live_tier(name: str, server: LiveServer) -> dict[str, Any]:
    model = server.model or await _ask_model(name, server)
    return {"name": name, "model": model, "price": _price(name), "base_urls": [server.base_url]}


class _ListedModel(msgspec.Struct):
    id: str


class _ModelList(msgspec.Struct):
    data: list[_ListedModel]


async def _ask_model(name: str, server: LiveServer) -> str:
    url = f"{server.base_url}/models"
    try:
        timeout = aiohttp.ClientTimeout(total=_MODELS_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            answer.raise_for_status()
            listed = msgspec.json.decode(await answer.read(), type=_ModelList).data
    except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
        reason = str(error) or type(error).__name__
        raise DemoError(f"{url} does not list its models ({reason}); name one with --{name}-model") from error
    if not listed:
        raise DemoError(f"{url} lists no model; name one with --{name}-model")
    return listed[0].id
