"""What a process holds, as the operating system sees it; needs psutil, which only development installs have."""

from collections import Counter
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a server holds at one moment."""

    rss_mib: float
    n_files: int
    """Open file descriptors that are no TCP connection."""
    n_from_clients: int
    """Connections that clients opened to it."""
    n_to_upstreams: int
    """Connections that it opened to others."""
    n_half_closed: int
    """Connections that the other side has ended and this one has not: a leak if they stay."""
    n_threads: int


def footprint(pid: int, *, port: int) -> Footprint:
    """Look at a process that listens on `port`."""
    process = psutil.Process(pid)
    with process.oneshot():
        connections = [found for found in process.net_connections("tcp") if found.status != psutil.CONN_LISTEN]
        sides = Counter(found.laddr[1] == port for found in connections)
        return Footprint(
            rss_mib=process.memory_info().rss / 2**20,
            n_files=process.num_fds() - len(connections),
            n_from_clients=sides[True],
            n_to_upstreams=sides[False],
            n_half_closed=sum(found.status == psutil.CONN_CLOSE_WAIT for found in connections),
            n_threads=process.num_threads(),
        )
