"""Waiting for another process, which can only be asked again and again."""

import time
from collections.abc import Callable

PAUSE_S = 0.01


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 5.0) -> float:
    """Ask until `condition` holds.

    Returns:
        Seconds that it took.

    Raises:
        TimeoutError: It did not hold in time.
    """
    started_at = time.monotonic()
    while not condition():
        if time.monotonic() - started_at > timeout_s:
            raise TimeoutError(f"not within {timeout_s:g} s")
        time.sleep(PAUSE_S)
    return time.monotonic() - started_at
