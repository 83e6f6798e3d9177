"""Ids of requests."""

import secrets
import time
from collections.abc import Callable

_N_DIGITS = 20
_N_DRAWN_AT_ONCE = 256


class RequestIds:
    """Ids that rise with time, and that nobody guesses: 12 hex digits of milliseconds, and 20 drawn ones.

    Records are found by them. Ids without an order fall anywhere into the store's indexes, so that each record changes
    three pages of the file somewhere; these all fall at the end, which halves the work of writing and keeps it so
    however large the file grows.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Take a clock: Unix time, seconds. Where it goes back, only the order suffers."""
        self._clock = clock
        self._drawn = ""
        self._place = 0

    def __call__(self) -> str:
        """A new id of 32 hex digits."""
        if self._place == len(self._drawn):
            # To ask the system for each id would take as long as to decide on a request.
            self._drawn = secrets.token_hex(_N_DRAWN_AT_ONCE * _N_DIGITS // 2)
            self._place = 0
        start = self._place
        self._place = end = start + _N_DIGITS
        return f"{int(self._clock() * 1000):012x}{self._drawn[start:end]}"
