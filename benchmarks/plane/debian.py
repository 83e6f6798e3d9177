"""Programs that come from Debian: installed where that may be done without being asked, else named."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
NEEDED: Mapping[str, str] = {"wrk": "wrk", "nginx": "nginx-light", "taskset": "util-linux"}
"""Packages by program."""
SYSTEMD = Path("/run/systemd/system")
TIMEOUT_S = 300.0


def find(program: str) -> str | None:
    """Where a program is; servers are not on everybody's path."""
    return shutil.which(program, path=PATH)


def provide(needed: Mapping[str, str] = NEEDED) -> list[str]:
    """Install what is missing, as root; what is missing still, a line each."""
    missing = {program: package for program, package in needed.items() if find(program) is None}
    if missing and may_install():
        _install(list(missing.values()))
    return [
        f"{program} is not installed; apt-get install {package}"
        for program, package in missing.items()
        if find(program) is None
    ]


def may_install() -> bool:
    """Whether packages can be installed here without starting a service: systemd would start nginx for everybody."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and not SYSTEMD.exists()


def _install(packages: Sequence[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run(
            ["apt-get", "-qq", *arguments], env=environment, capture_output=True, timeout=TIMEOUT_S, check=False
        )
