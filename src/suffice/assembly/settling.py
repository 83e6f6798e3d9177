"""What of a new configuration a running process can take."""

from collections.abc import Callable
from dataclasses import replace

from suffice.config import Config, Loaded, is_loopback
from suffice.errors import ConflictError

_KEPT: dict[str, Callable[[Config], object]] = {
    "server.host": lambda config: config.server.host,
    "server.port": lambda config: config.server.port,
    "server.workers": lambda config: config.server.workers,
    "server.tls_certificate": lambda config: config.server.tls_certificate,
    "server.tls_key": lambda config: config.server.tls_key,
    "server.shutdown_timeout_s": lambda config: config.server.shutdown_timeout_s,
    "recording": lambda config: replace(config.recording, content=False),
}
"""What stays as it was when the process started."""


def settle(loaded: Loaded, current: Config) -> tuple[Loaded, list[str]]:
    """A configuration as it can be put in force now.

    Args:
        loaded: As the file has it.
        current: In force.

    Returns:
        The configuration with what cannot change as it was, and the names of what would have changed.

    Raises:
        ConflictError: The gateway would be open to everybody.
    """
    config = loaded.config
    # The address was checked with the keys that stood beside it, and the one in force may be another.
    if current.auth.keys and not config.auth.keys and not is_loopback(current.server.host):
        raise ConflictError(
            f"auth.keys is empty, and the gateway listens on {current.server.host}, where anybody could call it: "
            "keep a key, or start it again"
        )
    kept = [name for name, read in _KEPT.items() if read(config) != read(current)]
    server = replace(
        config.server,
        host=current.server.host,
        port=current.server.port,
        workers=current.server.workers,
        tls_certificate=current.server.tls_certificate,
        tls_key=current.server.tls_key,
        shutdown_timeout_s=current.server.shutdown_timeout_s,
    )
    recording = replace(current.recording, content=config.recording.content)
    return replace(loaded, config=replace(config, server=server, recording=recording)), kept
