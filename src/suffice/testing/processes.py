"""Servers as processes of their own, so that they can be killed, measured and left to crash."""

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
SUFFICE = ("-m", "suffice")
"""What the interpreter is told to run the gateway."""
_MARK = "listening on "


@dataclass(slots=True)
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    address: str = ""
    """`http://127.0.0.1:PORT`, without a trailing slash."""
    output: deque[str] = field(default_factory=lambda: deque(maxlen=500))
    """Its last lines, standard error among them."""
    _heard: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.address.rpartition(":")[2])

    def kill(self) -> None:
        """SIGKILL: no goodbye to anybody."""
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what does not listen to it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def _read_output(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - opened as a pipe below
        with self.process.stdout as lines:
            for line in lines:
                self.output.append(line)
                if not self.address and _MARK in line:
                    self.address = line.partition(_MARK)[2].split()[0]
                    self._heard.set()
        self._heard.set()


@contextmanager
def run_server(
    arguments: Sequence[str], *, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Generator[Server]:
    """Start `python ARGUMENTS` and wait until it says that it listens; stops it at the end.

    Args:
        arguments: What follows the interpreter's name: `["-m", "suffice", "serve"]`.
        folder: Where it runs.
        environment: Variables beside those that are set already.

    Raises:
        RuntimeError: It did not come up; carries its output.
    """
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    server = Server(process)
    # A pipe that nobody reads fills up and stops the server in the middle of a log line.
    reader = threading.Thread(target=server._read_output, daemon=True)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its own starter
    reader.start()
    try:
        if not server._heard.wait(START_TIMEOUT_S) or not server.address:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its own starter
            raise RuntimeError(f"{' '.join(arguments)} did not start:\n{''.join(server.output)}")
        yield server
    finally:
        server.stop()
        reader.join(STOP_TIMEOUT_S)


@contextmanager
def run_loopback(*options: str) -> Generator[Server]:
    """Start a loopback upstream with command line `options`."""
    with run_server(["-m", "suffice.testing.loopback", *options]) as server:
        yield server


@contextmanager
def run_gateway(
    config: Path,
    *options: str,
    program: Sequence[str] = ("-m", "suffice"),
    environment: Mapping[str, str] | None = None,
) -> Generator[Server]:
    """Start `suffice serve` on a configuration file.

    Args:
        config: The file; the gateway runs in its folder.
        options: Of the command line.
        program: What the interpreter is told to run, where that is not the gateway itself but something around it.
        environment: Variables beside those that are set already.
    """
    arguments = [*program, "serve", "--config", str(config), *options]
    with run_server(arguments, folder=config.parent, environment=environment) as server:
        yield server
