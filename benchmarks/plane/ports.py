"""Ports of loopback: a free one, and whether somebody answers there."""

import socket
from contextlib import closing

from suffice.testing import call


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(address: str, path: str) -> bool:
    """Whether a server says 200 there."""
    try:
        return call(address, "GET", path).status == 200
    except OSError:
        return False
