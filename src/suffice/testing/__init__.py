"""Public fakes and a loopback upstream, for tests, benchmarks and examples; nothing that serves imports this."""

from suffice.testing.comparison import differences, read_events
from suffice.testing.processes import Server, run_gateway, run_loopback, run_server
from suffice.testing.raw import RawAnswer, call, last_requests, post, reset, stats
from suffice.testing.settings import LARGE_MODEL, RECORDS, SMALL_MODEL, write_settings
from suffice.testing.waiting import wait_until

__all__ = [
    "LARGE_MODEL",
    "RECORDS",
    "SMALL_MODEL",
    "RawAnswer",
    "Server",
    "call",
    "differences",
    "last_requests",
    "post",
    "read_events",
    "reset",
    "run_gateway",
    "run_loopback",
    "run_server",
    "stats",
    "wait_until",
    "write_settings",
]
