"""The `server` and `auth` sections of `suffice.yaml`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Where the gateway listens, and its limits."""

    host: str = "127.0.0.1"
    """Address to listen on; one beyond loopback needs `auth.keys` or `--allow-open`."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    """Port to listen on; 0: any free one, printed at start."""
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    """Processes that serve on the port; limits on requests, connections and replicas' places are divided among them."""
    reload_s: Annotated[float, Meta(ge=0, le=3600)] = 2.0
    """How often this file is looked at for changes, seconds; 0: only when told to (`suffice reload`)."""
    tls_certificate: str | None = None
    """File with the certificate, and those of its issuers, in PEM form: HTTPS (TLS 1.2 and above) in place of HTTP."""
    tls_key: str | None = None
    """File with the certificate's private key, in PEM form, without a password."""
    max_body_bytes: Annotated[int, Meta(ge=1024)] = 32 * 1024 * 1024
    """Largest request body."""
    max_header_bytes: Annotated[int, Meta(ge=1024)] = 32 * 1024
    """Largest request line and headers together."""
    max_headers: Annotated[int, Meta(ge=8)] = 100
    """Most header lines."""
    max_messages: Annotated[int, Meta(ge=1)] = 2048
    """Most messages in a request."""
    max_concurrent_requests: Annotated[int, Meta(ge=1)] = 4096
    """Requests served at once; more get a 429, those of low priority from 80 % of it on, of normal from 95 %."""
    max_connections: Annotated[int, Meta(ge=1)] = 16_384
    """Open connections; more are closed at once."""
    read_timeout_s: Seconds = 30.0
    """Time for a client to send its headers, and then its body."""
    idle_timeout_s: Seconds = 75.0
    """Time a kept-alive connection may stay silent."""
    total_timeout_s: Seconds = 900.0
    """Longest time for one request."""
    shutdown_timeout_s: Seconds = 30.0
    """Time that running requests have to finish after SIGTERM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyConfig:
    """An API key, as its hash; `suffice key NAME` makes one."""

    name: str
    """What the key is called in records."""
    hash: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
    """`sha256:` and the hexadecimal SHA-256 of the key."""
    profile: str | None = None
    """Profile of the requests with this key."""
    admin: bool = False
    """May also use `/admin` and `/metrics`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthConfig:
    """Who may use the gateway."""

    keys: Sequence[KeyConfig] = ()
    """None: anybody who reaches it, which is why it listens on loopback alone then."""
    open_metrics: bool = True
    """Serve `/metrics` without a key, as scrapers expect."""
