"""On what, with what and when a run was made."""

import datetime as dt
import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from plane.nginx import parse_version

ROOT = Path(__file__).parents[2]
LIBRARIES = ("uvloop", "httptools", "msgspec", "numpy")


def describe_machine() -> dict[str, Any]:
    """The machine and the versions of what is used on it."""
    return {
        "date": dt.datetime.now(tz=dt.UTC).isoformat(timespec="minutes"),
        "commit": _commit(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "wrk": _ask_version(["wrk", "-v"]),
        "load_average_before": round(os.getloadavg()[0], 2),
    }


def parse_processor(cpuinfo: str) -> str:
    """The model's name in `/proc/cpuinfo`."""
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    return parse_processor(cpuinfo.read_text(encoding="utf-8")) if cpuinfo.exists() else platform.machine()


def _ask_version(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return parse_version(ended.stdout + ended.stderr)


def _commit() -> str:
    if shutil.which("git") is None:
        return ""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
