"""Runs the code it reads from stdin with limits; started by `code.passes`, never imported.

Arguments: processor time in seconds, exit status for code that ran to its end.
"""

import ctypes
import os
import resource
import sys

_MEMORY_BYTES = 1024 * 1024 * 1024
_FILE_BYTES = 1024 * 1024
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def leave_network() -> None:
    """Enter an empty network namespace where the system allows it; elsewhere nothing happens."""
    if sys.platform == "linux":
        unshare = getattr(ctypes.CDLL(None), "unshare", None)
        if unshare is not None:
            unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def limit(cpu_s: int) -> None:
    """Bound processor time, memory, file size, open files and processes of this process."""
    limits = {
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_AS: _MEMORY_BYTES,
        resource.RLIMIT_FSIZE: _FILE_BYTES,
        resource.RLIMIT_NOFILE: 32,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
    }
    for which, most in limits.items():
        _, hard = resource.getrlimit(which)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(which, (bound, bound))
        except (ValueError, OSError):
            # macOS refuses some limits; the wall time holds in any case.
            continue


def main() -> None:
    """Confine this process, run the code, and leave with the agreed status only after its last statement."""
    code = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
    leave_network()
    limit(int(sys.argv[1]))
    try:
        exec(compile(code, "<answer>", "exec"), {"__name__": "__main__"})  # noqa: S102 - what this process is for
    except BaseException:  # noqa: BLE001 - whatever it raises, SystemExit included, the code did not pass
        os._exit(1)
    os._exit(int(sys.argv[2]))


if __name__ == "__main__":
    main()
