"""How many requests run at once, in all and per profile."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from suffice.errors import OverloadedError, ShuttingDownError
from suffice.vocabulary import Priority

RETRY_AFTER_S = 1.0

SHARES = {Priority.HIGH: 1.0, Priority.NORMAL: 0.95, Priority.LOW: 0.8}
"""Of the limit, up to which requests of a priority come in: the more important ones find room while others are shed."""


@dataclass(slots=True)
class Turnstile:
    """Lets requests in while there is room."""

    limit: int
    profile_limits: Mapping[str | None, int] = field(default_factory=dict[str | None, int])
    is_closing: bool = False
    n_inside: int = 0
    _by_profile: Counter[str | None] = field(default_factory=Counter[str | None])

    def enter(self, profile: str | None = None, priority: Priority = Priority.NORMAL) -> None:
        """Take a place; who got in must leave.

        Raises:
            OverloadedError: No place is free.
            ShuttingDownError: Nothing new is taken.
        """
        if self.is_closing:
            raise ShuttingDownError
        if self.n_inside >= math.ceil(self.limit * SHARES[priority]):
            of = "" if priority is Priority.HIGH else f" for those of {priority.name.lower()} priority"
            raise OverloadedError(f"{self.n_inside} requests are running, the limit{of}", retry_after_s=RETRY_AFTER_S)
        limit = self.profile_limits.get(profile)
        if limit is not None and self._by_profile[profile] >= limit:
            raise OverloadedError(
                f"{limit} requests of profile {profile!r} are running, its limit", retry_after_s=RETRY_AFTER_S
            )
        self.n_inside += 1
        self._by_profile[profile] += 1

    def leave(self, profile: str | None = None) -> None:
        """Give a place back."""
        self.n_inside -= 1
        self._by_profile[profile] -= 1
