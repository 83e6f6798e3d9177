"""Processes as the operating system sees them: their trees, CPU time and memory, read from /proc; Linux only."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from suffice.testing.waiting import wait_until

PROC = Path("/proc")
IDLE_SHARE = 0.05
"""Below this share of a core a process has finished what it had to do, unless it waits for the core or the disk."""
STEP_S = 0.05
STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Stat:
    """What `/proc/PID/stat` tells, as far as it is needed."""

    pid: int
    parent: int
    state: str
    """R runs or waits for a core, D waits for the disk, S sleeps, Z has ended."""
    cpu_ticks: int
    """User and system time of all threads, those that have ended among them."""


def parse_stat(text: str) -> Stat:
    """Read one `/proc/PID/stat`.

    Source: proc_pid_stat(5). The name stands in brackets and may hold blanks and brackets itself.
    """
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(") ")[2].split()
    return Stat(int(pid), int(fields[1]), fields[0], int(fields[11]) + int(fields[12]))


def descendants(root: int, stats: Sequence[Stat]) -> list[int]:
    """A process and all that it started, and those that these started."""
    found = [root]
    for pid in found:
        found += [stat.pid for stat in stats if stat.parent == pid]
    return found


def tree(root: int) -> list[int]:
    """The process ids of a running process and of its descendants."""
    return descendants(root, _read_stats())


def cpu_s(root: int) -> float:
    """CPU time of a process and its descendants since they began, user and system, seconds.

    The process's own clock tells nanoseconds; `stat`, where that clock cannot be read, hundredths of a second.
    """
    return sum(_process_cpu_s(pid) for pid in tree(root))


def rss_bytes(root: int) -> int:
    """Resident memory of a process and its descendants, bytes."""
    rollups = (PROC / str(pid) / "smaps_rollup" for pid in tree(root))
    return sum(parse_rss(rollup.read_text(encoding="utf-8")) for rollup in rollups)


def parse_rss(text: str) -> int:
    """Resident bytes of a `smaps_rollup`."""
    line = next(line for line in text.splitlines() if line.startswith("Rss:"))
    return int(line.split()[1]) * 1024


def wait_until_idle(root: int, *, at_most_s: float = 5.0) -> None:
    """Wait until a process has done what was left to do after the load, such as writing records."""
    before = cpu_s(root)
    for _ in range(round(at_most_s / STEP_S)):
        time.sleep(STEP_S)
        now = cpu_s(root)
        if now - before < IDLE_SHARE * STEP_S and not wants_more(root):
            return
        before = now


def wants_more(root: int) -> bool:
    """Whether a thread of a process or of its descendants waits for a core or for the disk."""
    return any(stat.state in "RD" for pid in tree(root) for stat in _read_stats(f"{pid}/task/[0-9]*/stat"))


def own_path() -> dict[str, str]:
    """The environment that lets a child import what this process can; not for the other gateways, which have theirs."""
    return {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@contextmanager
def started(
    command: Sequence[str], *, core: int, log: Path, env: Mapping[str, str] | None = None, folder: Path | None = None
) -> Generator[int]:
    """Run a command on one core; at the end it, and all that it started, is stopped by process id.

    Args:
        command: The program and its arguments.
        core: The only core that it and its children may use.
        log: Where its output goes.
        env: Added to the environment.
        folder: Where it runs.

    Yields:
        Its process id.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", str(core), *command],
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process.pid
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    family = tree(process.pid)
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_TIMEOUT_S)
    for pid in family[1:]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, family)), timeout_s=STOP_TIMEOUT_S)


def wait_for_line(log: Path, mark: str, pid: int, *, timeout_s: float) -> str:
    """Wait until a line with `mark` stands in a process's output, and return what follows the mark.

    Raises:
        RuntimeError: It ended, or did not say it in time; carries the end of its output.
    """
    rest = ""

    def said() -> bool:
        nonlocal rest
        text = log.read_text(encoding="utf-8", errors="replace")
        _, found, rest = text.partition(mark)
        return bool(found and "\n" in rest) or not is_running(pid)

    wait_until(said, timeout_s=timeout_s)
    if "\n" not in rest:
        raise RuntimeError(last_lines(log))
    return rest.partition("\n")[0]


def is_running(pid: int) -> bool:
    """Whether a process of ours has not ended."""
    return any(stat.state != "Z" for stat in _read_stats(f"{pid}/stat"))


def last_lines(log: Path, n_lines: int = 15) -> str:
    """The end of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-n_lines:])


def _read_stats(pattern: str = "[0-9]*/stat") -> list[Stat]:
    stats: list[Stat] = []
    for path in PROC.glob(pattern):
        try:
            stats.append(parse_stat(path.read_text(encoding="utf-8", errors="replace")))
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
    return stats


def _process_cpu_s(pid: int) -> float:
    try:
        # clock_getcpuclockid(3): the kernel's number for the CPU-time clock of another process.
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        stat = PROC / str(pid) / "stat"
        return (
            parse_stat(stat.read_text(encoding="utf-8")).cpu_ticks / os.sysconf("SC_CLK_TCK") if stat.exists() else 0.0
        )
