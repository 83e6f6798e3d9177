"""A gateway over its own upstreams, two of them replicas of the small tier, with short patience."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suffice.testing import (
    LARGE_MODEL,
    SMALL_MODEL,
    RawAnswer,
    Server,
    call,
    post,
    reset,
    run_gateway,
    run_loopback,
    stats,
    write_settings,
)

CHAT = "/v1/chat/completions"
UPSTREAM = {
    "connect_timeout_s": 1.0,
    "first_byte_timeout_s": 0.5,
    "idle_timeout_s": 0.5,
    "retries": 2,
    "backoff_s": 0.01,
}


@dataclass(frozen=True, slots=True)
class Fleet:
    """All servers of one scene."""

    gateway: Server
    small: tuple[Server, ...]
    large: Server
    folder: Path
    """Where the gateway's configuration and records are."""

    def ask(self, text: str, *, headers: Mapping[str, str] | None = None, **fields: Any) -> RawAnswer:
        """One request, by default to `auto`, which is made to begin with `small`."""
        body = {"model": "auto@10", "messages": [{"role": "user", "content": text}], **fields}
        return post(self.gateway.address, CHAT, body, headers=headers)

    def state_of_small(self) -> dict[str, Any]:
        """What `/admin/replicas` tells of the small tier."""
        return call(self.gateway.address, "GET", "/admin/replicas").document["tiers"][0]

    def reset(self) -> None:
        """Forget the upstreams' counts."""
        for server in (*self.small, self.large):
            reset(server.address)

    def n_asked(self, model: str) -> int:
        """Requests that reached the upstreams of a model, all replicas together."""
        servers = self.small if model == SMALL_MODEL else (self.large,)
        return sum(stats(server.address)["by_model"].get(model, 0) for server in servers)


@contextmanager
def run_fleet(
    folder: Path,
    *,
    n_small: int = 1,
    sections: Mapping[str, Mapping[str, Any]] | None = None,
    small_tier: Mapping[str, Any] | None = None,
) -> Generator[Fleet]:
    """Start everything; stops it at the end."""
    chosen = {**(sections or {}), "upstream": {**UPSTREAM, **(sections or {}).get("upstream", {})}}
    with _run_replicas(n_small) as small, run_loopback("--model", LARGE_MODEL, "--name", "large-0") as large:
        addresses = [server.address for server in small]
        config = write_settings(folder, small=addresses, large=[large.address], sections=chosen, small_tier=small_tier)
        with run_gateway(config) as gateway:
            yield Fleet(gateway, small, large, folder)


@contextmanager
def _run_replicas(n: int) -> Generator[tuple[Server, ...]]:
    if n == 0:
        yield ()
        return
    with run_loopback("--model", SMALL_MODEL, "--name", f"small-{n - 1}") as last, _run_replicas(n - 1) as others:
        yield (*others, last)
