"""A gateway in a process of its own, for as long as it is needed."""

import asyncio
import re
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from suffice.errors import DemoError

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0

_SERVE = (sys.executable, "-m", "suffice", "serve")
_LISTENING = re.compile(rb"listening on (http://\S+)")
_N_LOG_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway that listens."""

    url: str
    process: asyncio.subprocess.Process
    log: Path
    """What it wrote to stderr."""

    async def wait(self) -> None:
        """Wait until it ends by itself, which it should not.

        Raises:
            DemoError: It did.
        """
        await self.process.wait()
        raise DemoError(_describe_end(self.process, self.log))


@asynccontextmanager
async def run_gateway(
    config: Path, *, command: Sequence[str] = _SERVE, ready_timeout_s: float = READY_TIMEOUT_S
) -> AsyncGenerator[Gateway, None]:
    """Start a gateway, wait until it listens, and stop it when the context is left.

    Args:
        config: Its configuration file; its log is written beside it.
        command: The program and its first arguments; `--config` follows.
        ready_timeout_s: Time it has to print `listening on URL`.

    Raises:
        DemoError: It ended or stayed silent; the message holds the end of its log.
    """
    log = config.with_name("gateway.log")
    with log.open("wb") as stderr:
        # A session of its own: Ctrl-C in the terminal reaches the demo alone, which then stops the gateway.
        process = await asyncio.create_subprocess_exec(
            *command, "--config", str(config), stdout=asyncio.subprocess.PIPE, stderr=stderr, start_new_session=True
        )
    drain: asyncio.Task[None] | None = None
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        url = await _wait_until_ready(process, process.stdout, log, ready_timeout_s)
        drain = asyncio.create_task(_drain(process.stdout))
        yield Gateway(url=url, process=process, log=log)
    finally:
        await _stop(process)
        if drain is not None:
            await drain


async def _wait_until_ready(
    process: asyncio.subprocess.Process, stdout: asyncio.StreamReader, log: Path, timeout_s: float
) -> str:
    try:
        async with asyncio.timeout(timeout_s):
            async for line in stdout:
                if found := _LISTENING.search(line):
                    return found.group(1).decode()
            await process.wait()
    except TimeoutError as error:
        raise DemoError(f"the gateway did not listen within {timeout_s:g} s{_read_end(log)}") from error
    raise DemoError(_describe_end(process, log))


async def _drain(stdout: asyncio.StreamReader) -> None:
    """Read on, or the gateway would block once the pipe is full."""
    while await stdout.read(65_536):
        pass


async def _stop(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, then SIGKILL after a while; to this process alone."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _describe_end(process: asyncio.subprocess.Process, log: Path) -> str:
    return f"the gateway ended with status {process.returncode}{_read_end(log)}"


def _read_end(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()[-_N_LOG_LINES:]
    return "; its last words:\n" + "\n".join(lines) if lines else " and said nothing"
