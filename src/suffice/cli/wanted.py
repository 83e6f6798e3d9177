"""What the command line says of a gateway, besides its file."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from suffice.config import Loaded, load
from suffice.config.servers import is_loopback
from suffice.errors import ConfigError, Mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The options of `suffice serve`."""

    path: Path
    host: str | None
    port: int | None
    workers: int | None
    log_level: str
    allow_open: bool

    def read(self) -> Loaded:
        """Read the file, with what the command line says in place of what the file does.

        Raises:
            ConfigError: It holds mistakes, or the address is no good.
        """
        loaded = load(self.path, os.environ, allow_open=self.allow_open or self.host is not None)
        server = loaded.config.server
        server = replace(
            server,
            host=server.host if self.host is None else self.host,
            port=server.port if self.port is None else self.port,
            workers=server.workers if self.workers is None else self.workers,
        )
        loaded = replace(loaded, config=replace(loaded.config, server=server))
        _check_address(loaded, allow_open=self.allow_open)
        return loaded

    def arguments(self) -> list[str]:
        """The same, for a process of its own."""
        given: dict[str, object] = {
            "--config": self.path,
            "--host": self.host,
            "--port": self.port,
            "--workers": self.workers,
            "--log-level": self.log_level,
        }
        said = [text for name, value in given.items() if value is not None for text in (name, str(value))]
        return [*said, "--allow-open"] if self.allow_open else said


def _check_address(loaded: Loaded, *, allow_open: bool) -> None:
    """The check that the file's own address has passed, for one given on the command line."""
    server = loaded.config.server
    if not 0 <= server.port <= 65535:
        raise ConfigError([Mistake("--port", server.port, "is no port; use 0 to 65535")])
    if not (is_loopback(server.host) or loaded.config.auth.keys or allow_open):
        remedy = "is reachable by others without a key: add one to auth.keys (`suffice key NAME`), or say --allow-open"
        raise ConfigError([Mistake("--host", server.host, remedy)])
