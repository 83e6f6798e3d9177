"""Load on a gateway: wrk for plain answers, our own client for streams, each a process on the load's core."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plane.bodies import Kind
from plane.processes import own_path

HERE = Path(__file__).parent
SCRIPT = HERE / "cycle_bodies.lua"
MARK = "JSON "
PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a gateway is asked, and how hard."""

    kind: Kind
    file: Path
    """Of bodies."""
    first: int = 0
    """Place of the first body that is sent; the others follow."""
    n_connections: int
    seconds: float
    core: int
    """For the client alone; the gateway has another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the client saw."""

    n_answers: int
    n_bad: int
    """Errors of the connection, statuses other than 2xx, streams that were not whole."""
    p50_us: float | None
    p99_us: float | None
    n_events: int | None = None
    """Of each stream."""
    first_byte_p50_us: float | None = None
    """Of streams; `p50_us` is of their end."""


def press(address: str, headers: Mapping[str, str], load: Load) -> Served:
    """Load a gateway for some seconds.

    Raises:
        RuntimeError: The client failed.
    """
    sent = [f"{name}:{value}" for name, value in headers.items()]
    command = _stream_command(address, sent, load) if load.kind.is_streamed else _wrk_command(address, sent, load)
    ended = subprocess.run(
        ["taskset", "--cpu-list", str(load.core), *command],
        env={**os.environ, **own_path()},
        capture_output=True,
        text=True,
        timeout=load.seconds + 60,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"{command[0]} failed: {ended.stderr[-500:]}{ended.stdout[-500:]}")
    return read_streams_summary(ended.stdout) if load.kind.is_streamed else read_wrk_summary(ended.stdout)


def read_wrk_summary(output: str) -> Served:
    """What `cycle_bodies.lua` printed at its end."""
    found = _last_document(output)
    return Served(
        n_answers=found["requests"],
        n_bad=found["not_2xx"] + found["socket_errors"],
        p50_us=found["p50_us"],
        p99_us=found["p99_us"],
    )


def read_streams_summary(output: str) -> Served:
    """What `sse_client` printed."""
    found = json.loads(output)
    return Served(
        n_answers=found["streams"],
        n_bad=found["broken"],
        p50_us=found["p50_us"],
        p99_us=found["p99_us"],
        n_events=found["events"],
        first_byte_p50_us=found["first_byte_p50_us"],
    )


def _last_document(output: str) -> dict[str, Any]:
    line = next(line for line in reversed(output.splitlines()) if line.startswith(MARK))
    return json.loads(line.removeprefix(MARK))


def _wrk_command(address: str, headers: Sequence[str], load: Load) -> list[str]:
    # wrk takes whole seconds.
    seconds = math.ceil(load.seconds)
    options = ["-t1", f"-c{load.n_connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT)]
    return ["wrk", *options, address + PATH, "--", str(load.file), str(load.first), *headers]


def _stream_command(address: str, headers: Sequence[str], load: Load) -> list[str]:
    limits = ["--connections", str(load.n_connections), "--seconds", str(load.seconds), "--first", str(load.first)]
    named = [word for header in headers for word in ("--header", header)]
    return [sys.executable, "-m", "plane.sse_client", address + PATH, str(load.file), *limits, *named]
