"""A gateway whose file is changed while it serves."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suffice.testing import RawAnswer, Server, call, post, run_gateway, wait_until, write_settings

CHAT = "/v1/chat/completions"
SOON_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A gateway, and the file that it goes by."""

    gateway: Server
    folder: Path
    small: Sequence[str]
    large: Sequence[str]

    @property
    def path(self) -> Path:
        """Of the configuration."""
        return self.folder / "suffice.yaml"

    def write(self, **sections: Mapping[str, Any]) -> None:
        """Put another file in the place of the one there."""
        replace_settings(self.folder, small=self.small, large=self.large, **sections)

    def ask(self, text: str = "hello", *, headers: Mapping[str, str] | None = None, **fields: Any) -> RawAnswer:
        """One request."""
        body = {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}
        return post(self.gateway.address, CHAT, body, headers=headers)

    def reload(self) -> RawAnswer:
        """`suffice reload`."""
        return post(self.gateway.address, "/admin/reload", {})

    def in_force(self) -> Any:
        """What `/admin/bundle` tells."""
        return call(self.gateway.address, "GET", "/admin/bundle").document

    def change(self, **sections: Mapping[str, Any]) -> str:
        """Put another file there, and wait until one worker has taken it; returns what it is called."""
        before = self.in_force()["configuration"]
        self.write(**sections)
        wait_until(lambda: self.in_force()["configuration"] != before)
        return self.in_force()["configuration"]

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        page = call(self.gateway.address, "GET", "/metrics").body.decode()
        return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name))

    @property
    def log(self) -> str:
        """What the gateway has said."""
        return "".join(self.gateway.output)


def replace_settings(
    folder: Path, *, small: Sequence[str], large: Sequence[str], **sections: Mapping[str, Any]
) -> Path:
    """Write a file beside the one there, and put it in its place at once."""
    beside = folder / "next"
    beside.mkdir(exist_ok=True)
    server = {"reload_s": SOON_S, **sections.get("server", {})}
    written = write_settings(beside, small=small, large=large, sections={**sections, "server": {"port": 0, **server}})
    return written.replace(folder / "suffice.yaml")


@contextmanager
def run_scene(
    folder: Path,
    small: Sequence[str],
    large: Sequence[str],
    *,
    n_workers: int = 1,
    options: Sequence[str] = ("--log-level", "info"),
    **sections: Mapping[str, Any],
) -> Generator[Scene]:
    """Start a gateway on a file; stops it at the end."""
    config = replace_settings(folder, small=small, large=large, **sections)
    with run_gateway(config, "--workers", str(n_workers), *options) as gateway:
        yield Scene(gateway=gateway, folder=folder, small=small, large=large)


def children(server: Server) -> list[int]:
    """Process ids of a server's workers, oldest first."""
    pid = server.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def n_open_files(pid: int) -> int:
    """File descriptors of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def listens(pid: int) -> bool:
    """Whether a process has a listening socket of its own."""
    try:
        opened = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()}  # noqa: PTH115 - they are no paths
    except OSError:
        return False  # it opens and closes files while it starts
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(f"socket:[{line.split()[9]}]" in opened and line.split()[3] == "0A" for line in lines)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
