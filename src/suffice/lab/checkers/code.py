"""Answers that are Python code: run in a process of their own, with limits.

The limits catch accidents (endless loops, memory, forks, files); they are no prison for hostile code.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.resources import files

TIMEOUT_S = 5.0

_PASSED = 86
"""Exit status of a run that reached the end: code that leaves early with status 0 has proved nothing."""


def read_code(answer: str) -> str:
    """The first fenced block, or the whole answer where there is none."""
    fenced = re.search(r"```(?:python)?\n(.*?)```", answer, re.DOTALL)
    return fenced.group(1) if fenced else answer


def passes(answer: str, statements: Sequence[str], *, timeout_s: float = TIMEOUT_S) -> bool:
    """Whether the answer's code, followed by `statements`, runs to its end within the limits.

    Args:
        answer: What the model wrote.
        statements: Python statements, usually assertions.
        timeout_s: Wall time, seconds; processor time is limited to the same, rounded up.
    """
    code = "\n".join([read_code(answer), *statements])
    bootstrap = files("suffice.lab.checkers").joinpath("confined.py").read_text("utf-8")
    with tempfile.TemporaryDirectory(prefix="suffice-check-", ignore_cleanup_errors=True) as folder:
        arguments = [sys.executable, "-I", "-c", bootstrap, str(int(-(-timeout_s // 1))), str(_PASSED)]
        child = subprocess.Popen(  # noqa: S603 - this interpreter with our own bootstrap; the code comes by stdin
            arguments,
            cwd=folder,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            child.communicate(code.encode("utf-8", "surrogatepass"), timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return False
        finally:
            _end(child)
    return child.returncode == _PASSED


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill the child's process group, whoever is left in it, and reap the child."""
    # Nobody may be left; macOS says "not permitted" of a group whose only member is not reaped yet.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
