"""Checks of upstream servers: their URLs, and the environment variables with their keys."""

import ipaddress
from collections.abc import Iterator, Mapping
from urllib.parse import SplitResult, urlsplit

from suffice.config.document import Path
from suffice.config.findings import ENVIRONMENT_NAME, Findings
from suffice.config.sections import Config
from suffice.server.config import ServerConfig

_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not listened on


def check_servers(config: Config, environ: Mapping[str, str], findings: Findings) -> None:
    """Check every URL and every `api_key_env`."""
    for path, url in _urls(config):
        _check_url(url, path, config.server, findings)
    for index, tier in enumerate(config.tiers):
        for position, url in enumerate(tier.base_urls):
            if url and url in tier.base_urls[:position]:
                findings.warn(("tiers", index, "base_urls", position), "stands twice: one server is counted as two")
    for path, name in key_variables(config):
        _check_variable(name, path, environ, findings)


def key_variables(config: Config) -> Iterator[tuple[Path, str]]:
    """Where an environment variable with a key is named, and its name."""
    for index, tier in enumerate(config.tiers):
        if tier.api_key_env is not None:
            yield ("tiers", index, "api_key_env"), tier.api_key_env
    for route, server in config.passthrough.items():
        if server.api_key_env is not None:
            yield ("passthrough", route, "api_key_env"), server.api_key_env


def is_loopback(host: str) -> bool:
    """Whether `host` is reachable from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _urls(config: Config) -> Iterator[tuple[Path, str]]:
    for index, tier in enumerate(config.tiers):
        for position, url in enumerate(tier.base_urls):
            yield ("tiers", index, "base_urls", position), url
    for route, server in config.passthrough.items():
        yield ("passthrough", route, "base_url"), server.base_url


def _check_url(url: str, path: Path, server: ServerConfig, findings: Findings) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        findings.add_broken(path, f"is no URL: {error}; write it like http://127.0.0.1:8000/v1")
        return
    problem = _find_problem(url, parts)
    if problem is not None:
        findings.add_broken(path, problem)
    elif parts.path in ("", "/"):
        findings.warn(path, "has no path; OpenAI-compatible servers usually answer below /v1")
    if port and port == server.port and is_loopback(parts.hostname or "") and _listens_on(parts.hostname, server):
        findings.add(path, f"is this gateway itself (server.port is {port}); give the model's server, or another port")


def _find_problem(url: str, parts: SplitResult) -> str | None:
    """What is wrong with a URL; None where nothing is."""
    sample = "write it like http://127.0.0.1:8000/v1"
    checks = (
        (parts.scheme not in ("http", "https"), f"does not begin with http:// or https://; {sample}"),
        (not parts.hostname, f"names no host; {sample}"),
        (parts.username is not None, "holds a name or password; name an environment variable with api_key_env instead"),
        (not url.isprintable() or " " in url, f"holds blanks or control characters; {sample}"),
        (bool(parts.query or parts.fragment), "has a '?' or '#'; leave off what follows it"),
        (parts.path.endswith("/completions"), "names one call; leave off what follows /v1"),
    )
    return next((problem for wrong, problem in checks if wrong), None)


def _listens_on(host: str | None, server: ServerConfig) -> bool:
    return server.host in _ANY_ADDRESS or is_loopback(server.host) or server.host == host


def _check_variable(name: str, path: Path, environ: Mapping[str, str], findings: Findings) -> None:
    if not ENVIRONMENT_NAME.fullmatch(name):
        findings.add(
            path, "must be the name of an environment variable, such as SMALL_API_KEY; the key stands there, not here"
        )
        return
    key = environ.get(name)
    if key is None:
        findings.add(path, f"is not set in the environment; set {name}, or leave this line out if no key is needed")
    elif not key.strip():
        findings.add(path, f"is set, but empty; put the key into {name}, or leave this line out")
    elif not (key.isascii() and key.isprintable()) or " " in key:
        findings.add(path, f"holds blanks, line breaks or other characters that no HTTP header can carry; mend {name}")
