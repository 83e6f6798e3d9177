"""One server's address, and the connections to it that are kept for the next call."""

import asyncio
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from suffice.errors import UpstreamBusyError, UpstreamError, UpstreamTimeoutError
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.connection import Connection

_PORTS = {"http": 80, "https": 443}


@dataclass(slots=True, eq=False)
class Origin:
    """A server, as sockets know it."""

    base_url: str
    config: UpstreamConfig
    trust: ssl.SSLContext | None = None
    """Of `https` servers; None: the system's certificates."""
    n_open: int = 0
    """Connections in use or kept."""
    host: str = field(init=False)
    port: int = field(init=False)
    path: str = field(init=False)
    """What comes before a call's own path."""
    authority: str = field(init=False)
    """As the Host header has it."""
    _tls: ssl.SSLContext | None = field(init=False)
    _kept: dict[Connection, None] = field(init=False, default_factory=dict[Connection, None])
    """In the order of their last use."""

    def __post_init__(self) -> None:
        """Take the address apart; the configuration has checked it."""
        parts = urlsplit(self.base_url)
        self.host = parts.hostname or ""
        self.port = parts.port or _PORTS[parts.scheme]
        self.path = parts.path.rstrip("/")
        self.authority = parts.netloc.rpartition("@")[2]
        self._tls = (self.trust or ssl.create_default_context()) if parts.scheme == "https" else None

    def kept(self) -> Connection | None:
        """A connection that stands already, if there is one: the one used last, which is the likeliest to stand."""
        return self._kept.popitem()[0] if self._kept else None

    async def connect(self) -> Connection:
        """Open a new one.

        Raises:
            UpstreamError: The server cannot be reached, or not in time, or too many connections to it are open.
        """
        loop = asyncio.get_running_loop()
        limit_s = self.config.connect_timeout_s
        if self.n_open >= self.config.max_connections:
            message = f"{self.base_url}: {self.n_open} connections are open, the limit"
            raise UpstreamBusyError(message, retry_after_s=1.0)
        self.n_open += 1
        try:
            async with asyncio.timeout(limit_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(self.base_url, self.config, self._forget),
                    self.host,
                    self.port,
                    ssl=self._tls,
                    server_hostname=self.host if self._tls is not None else None,
                )
        except TimeoutError as error:
            self.n_open -= 1
            raise UpstreamTimeoutError(f"{self.base_url} did not accept a connection within {limit_s:g} s") from error
        except (OSError, UnicodeError) as error:
            self.n_open -= 1
            how = "" if self._tls is None else " by SSL"
            reason = str(error) or type(error).__name__
            raise UpstreamError(f"{self.base_url} cannot be reached{how}: {reason}") from error
        except BaseException:
            self.n_open -= 1
            raise
        return connection

    def keep(self, connection: Connection) -> None:
        """Take a connection back after its call: for the next one, if it can be used again."""
        if connection.finish():
            self._kept[connection] = None
        else:
            self.n_open -= 1

    def close(self) -> None:
        """Hang up on all that are kept."""
        kept = list(self._kept)
        self._kept.clear()
        self.n_open -= len(kept)
        for connection in kept:
            connection.abort()

    def _forget(self, connection: Connection) -> None:
        """Count a kept connection out that is gone; one in use is counted out by whoever uses it."""
        if connection in self._kept:
            del self._kept[connection]
            self.n_open -= 1
