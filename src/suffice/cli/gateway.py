"""Calls to a running gateway."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import typer

from suffice.errors import ConfigError, GatewayError, Mistake

DEFAULT_GATEWAY = "http://127.0.0.1:8080"
TIMEOUT_S = 30.0
_EXCERPT = 300


def read_key(variable: str | None, environ: Mapping[str, str]) -> str | None:
    """The gateway's API key, from the environment variable that `--key-env` names.

    Raises:
        ConfigError: The variable is not set.
    """
    if variable is None:
        return None
    key = environ.get(variable, "").strip()
    if not key:
        remedy = f"is not set in the environment; put the gateway's API key into {variable}"
        raise ConfigError([Mistake("--key-env", variable, remedy)], source="the command line")
    return key


def read_address(url: str) -> str:
    """A gateway's address without `/v1` or a trailing slash.

    Raises:
        typer.BadParameter: It is no URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise typer.BadParameter(f"{url!r} is no URL such as {DEFAULT_GATEWAY}", param_hint="--gateway")
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def ask(method: str, url: str, *, body: Mapping[str, Any] | None = None, key: str | None = None) -> dict[str, Any]:
    """Make one call and read its JSON.

    Raises:
        GatewayError: Nobody answers there, or the answer is an error or no JSON object.
    """
    return asyncio.run(_ask(method, url, body, key))


async def _ask(method: str, url: str, body: Mapping[str, Any] | None, key: str | None) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.request(method, url, json=body, allow_redirects=False) as answer,
        ):
            status, content = answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise GatewayError(f"no gateway answers at {url} ({reason}); start one with `suffice serve`") from error
    document = _read_object(content)
    if status != 200 or document is None:
        raise GatewayError(f"{url} answered {status}: {_read_message(document, content)}")
    return document


def _read_object(content: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(content)
    except ValueError:
        return None
    return cast("dict[str, Any]", document) if isinstance(document, dict) else None


def _read_message(document: Mapping[str, Any] | None, content: bytes) -> str:
    error = (document or {}).get("error")
    if isinstance(error, dict) and "message" in error:
        return str(cast("dict[str, Any]", error)["message"])
    return content[:_EXCERPT].decode("utf-8", "replace")
