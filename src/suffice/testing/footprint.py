"""What a process holds, as Linux sees it; needs psutil, which only development installs have."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a server holds at one moment."""

    rss_mib: float
    n_files: int
    """Open file descriptors that are no socket."""
    n_sockets: int
    """Sockets of every kind, listening ones and those without a connection among them."""
    n_from_clients: int
    """Connections that clients opened to it."""
    n_to_upstreams: int
    """Connections that it opened to others."""
    n_half_closed: int
    """Connections that the other side has ended and this one has not: a leak if they stay."""
    n_threads: int

    @property
    def n_other_sockets(self) -> int:
        """Sockets that are no connection: those that listen, and those that were forgotten."""
        return self.n_sockets - self.n_from_clients - self.n_to_upstreams


def footprint(pid: int, *, port: int) -> Footprint:
    """Look at a process that listens on `port`."""
    process = psutil.Process(pid)
    with process.oneshot():
        connections = [found for found in process.net_connections("tcp") if found.status != psutil.CONN_LISTEN]
        kinds = list(_kinds(pid))
        sides = Counter(found.laddr[1] == port for found in connections)
        return Footprint(
            rss_mib=process.memory_info().rss / 2**20,
            n_files=sum(not kind.startswith("socket:") for kind in kinds),
            n_sockets=sum(kind.startswith("socket:") for kind in kinds),
            n_from_clients=sides[True],
            n_to_upstreams=sides[False],
            n_half_closed=sum(found.status == psutil.CONN_CLOSE_WAIT for found in connections),
            n_threads=process.num_threads(),
        )


def _kinds(pid: int) -> Iterator[str]:
    """What each file descriptor stands for: a path, or `socket:[NUMBER]`."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        # It may be closed by now.
        with suppress(OSError):
            yield str(descriptor.readlink())
