"""suffice in the configurations that are compared: scoring afresh or from the cache, with and without records."""

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import suffice
from plane.contestant import Contestant, Place, Running, UnavailableError
from plane.processes import own_path, started, wait_for_line
from suffice.testing import call, write_settings

START_TIMEOUT_S = 30.0
MARK = "listening on "

FRESH = "suffice, scoring afresh"
CACHED = "suffice, scores cached"
FRESH_UNRECORDED = "suffice, scoring afresh, no records"
CACHED_UNRECORDED = "suffice, scores cached, no records"

Sections = Mapping[str, Mapping[str, Any]]

ROUTE: Sections = {
    "routing": {"mode": "route", "accept_generic_bundle": True, "max_complexity": {}},
    "scorer": {"kind": "learned"},
}
UNCACHED: Sections = {"cache": {"enabled": False}}
UNRECORDED: Sections = {"recording": {"enabled": False}}


def ours() -> list[Contestant]:
    """Each configuration; records are kept unless the name says otherwise, as a new installation does."""
    return [
        _contestant(FRESH, {**ROUTE, **UNCACHED}),
        _contestant(CACHED, ROUTE),
        _contestant(FRESH_UNRECORDED, {**ROUTE, **UNCACHED, **UNRECORDED}),
        _contestant(CACHED_UNRECORDED, {**ROUTE, **UNRECORDED}),
    ]


def _contestant(name: str, sections: Sections) -> Contestant:
    @contextmanager
    def start(place: Place) -> Generator[Running]:
        config = write_settings(place.folder, small=[place.upstream], large=[place.upstream], sections=sections)
        log = place.folder / "suffice.log"
        command = [sys.executable, "-m", "suffice", "serve", "--config", str(config)]
        with started(command, core=place.core, log=log, env=own_path(), folder=place.folder) as pid:
            try:
                address = wait_for_line(log, MARK, pid, timeout_s=START_TIMEOUT_S)
            except (RuntimeError, TimeoutError) as error:
                raise UnavailableError(f"suffice did not start: {error}") from error
            yield Running(pid=pid, address=address)

    return Contestant(name=name, version=suffice.__version__, start=start)


def n_dropped(running: Running) -> int:
    """Records that were lost, as the gateway's metrics tell."""
    return parse_dropped(call(running.address, "GET", "/metrics").body.decode())


def parse_dropped(metrics: str) -> int:
    """The counter of lost records; 0 where none are kept."""
    for line in metrics.splitlines():
        if line.startswith("suffice_recorder_dropped_total "):
            return int(float(line.split()[1]))
    return 0
