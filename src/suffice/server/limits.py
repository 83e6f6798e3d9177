"""How many requests run at once, in all and per profile."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from suffice.errors import OverloadedError, ShuttingDownError

RETRY_AFTER_S = 1.0


@dataclass(slots=True)
class Turnstile:
    """Lets requests in while there is room."""

    limit: int
    profile_limits: Mapping[str | None, int] = field(default_factory=dict[str | None, int])
    is_closing: bool = False
    n_inside: int = 0
    _by_profile: Counter[str | None] = field(default_factory=Counter[str | None])

    def enter(self, profile: str | None = None) -> None:
        """Take a place; who got in must leave.

        Raises:
            OverloadedError: No place is free.
            ShuttingDownError: Nothing new is taken.
        """
        if self.is_closing:
            raise ShuttingDownError
        if self.n_inside >= self.limit:
            raise OverloadedError(f"{self.limit} requests are running, the limit", retry_after_s=RETRY_AFTER_S)
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
