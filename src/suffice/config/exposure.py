"""Checks of what the gateway shows to the network: its address, its keys, the paths it passes on."""

import re

from suffice.config.findings import Findings
from suffice.config.sections import Config
from suffice.config.servers import is_loopback
from suffice.vocabulary import Mode

ROUTED_PATHS = frozenset(
    {"/v1/chat/completions", "/v1/completions", "/v1/models", "/v1/route", "/health", "/ready", "/metrics"}
)
"""What the gateway answers itself, besides everything under `/admin`."""

_HOST = re.compile(r"[A-Za-z0-9._:-]+(?:%[A-Za-z0-9]+)?")
_PASSED_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")


def check_exposure(config: Config, findings: Findings, *, allow_open: bool) -> None:
    """Check the address and the passed paths, and that the mode does what it seems to."""
    _check_host(config, findings, allow_open=allow_open)
    for path in config.passthrough:
        _check_passed_path(path, config, findings)
    if not config.auth.open_metrics and not any(key.admin for key in config.auth.keys):
        findings.warn(("auth", "open_metrics"), "is false and no key has `admin: true`: nobody can read /metrics")
    if config.routing.mode is Mode.CANARY and config.routing.canary_percent == 0:
        findings.warn(("routing", "canary_percent"), "is 0: nothing is routed; raise it, or say `mode: observe`")


def _check_host(config: Config, findings: Findings, *, allow_open: bool) -> None:
    path = ("server", "host")
    host = config.server.host
    if not _HOST.fullmatch(host):
        findings.add(path, "is no address; write 127.0.0.1 for this machine alone, 0.0.0.0 for every network")
    elif not is_loopback(host) and not config.auth.keys and not allow_open:
        findings.add(
            path,
            "is reachable by others, and anybody could use the models: add a key (`suffice key NAME`), "
            "listen on 127.0.0.1, or say --allow-open",
        )


def _check_passed_path(route: str, config: Config, findings: Findings) -> None:
    path = ("passthrough", route)
    if route in ROUTED_PATHS or route == "/admin" or route.startswith("/admin/"):
        findings.add(path, "is answered by the gateway itself; leave it out")
    elif not _PASSED_PATH.fullmatch(route):
        findings.add(path, "is no plain path; write it like /v1/embeddings, without '?', '..' or a '/' at its end")
    elif not config.passthrough[route].base_url:
        findings.add((*path, "base_url"), "is empty; give the server, such as http://127.0.0.1:8100/v1")
