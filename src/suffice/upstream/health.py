"""Whether one replica gets calls: a state machine without a clock of its own.

HEALTHY --failures in a row, or bad checks--> EJECTED --its time is over--> HALF_OPEN --first byte--> HEALTHY
                                                  ^------- failure, for twice the time -----'
"""

from dataclasses import dataclass

from suffice.upstream.config import ChecksConfig, EjectionConfig
from suffice.vocabulary import HealthState

_MAX_DOUBLINGS = 30


@dataclass(slots=True)
class Health:
    """What is known of one replica."""

    ejection: EjectionConfig
    checks: ChecksConfig
    state: HealthState = HealthState.HEALTHY
    n_failures: int = 0
    """Calls that failed in a row."""
    n_failed_checks: int = 0
    """Bad checks in a row."""
    is_by_checks: bool = False
    """Checks ejected it, not calls."""
    until: float = 0.0
    """When its next trial is due, while it is ejected."""
    n_ejections: int = 0
    """In all."""
    is_suspect: bool = False
    """Something failed since a call last ended well."""
    _n_in_a_row: int = 0
    _trusts_checks: bool = False

    @property
    def is_failing(self) -> bool:
        """Enough failed in a row to leave it out."""
        return self.n_failures >= self.ejection.after

    @property
    def due_at(self) -> float:
        """When a call may try it; bad checks put that off, but not for ever: it is calls that count in the end."""
        return self.until + (self.ejection.max_s if self.n_failed_checks else 0.0)

    def eject(self, now: float, *, is_by_checks: bool = False) -> None:
        """Leave it out: the longer, the more trials have failed."""
        doubled = self.ejection.base_s * 2 ** min(self._n_in_a_row, _MAX_DOUBLINGS)
        self.until = now + min(self.ejection.max_s, doubled)
        self.state = HealthState.EJECTED
        self.is_by_checks = is_by_checks
        self.is_suspect = True
        self.n_ejections += 1
        self._n_in_a_row += 1

    def begin_trial(self) -> None:
        """Let one call find out how it is."""
        self.state = HealthState.HALF_OPEN

    def abandon_trial(self) -> None:
        """The call that tried it was given up before there was an answer; the next one may try."""
        self.state = HealthState.EJECTED

    def restore(self) -> None:
        """Let it get calls again; until one of them ends well, a single failure leaves it out for longer."""
        self.state = HealthState.HEALTHY
        self.is_by_checks = False

    def note_failure(self) -> None:
        """A call failed."""
        self.n_failures += 1
        self.is_suspect = True

    def note_good_end(self) -> None:
        """A call came to a good end."""
        self.n_failures = self._n_in_a_row = 0
        self.is_suspect = False

    def note_good_check(self, now: float) -> None:
        """It answered a check.

        One that checks ejected is back; one that calls ejected may be tried at once if it could not be reached before.
        """
        came_back = self.n_failed_checks > 0
        self._trusts_checks = True
        self.n_failed_checks = 0
        if self.state is HealthState.EJECTED:
            if self.is_by_checks:
                self.restore()
            elif came_back:
                self.until = now

    def note_bad_check(self, now: float) -> None:
        """It did not answer a check, or with a 5xx.

        That counts only where a check was good before: a server may know no such path and still be well.
        """
        if not self._trusts_checks:
            return
        self.n_failed_checks += 1
        if self.state is HealthState.HEALTHY and self.n_failed_checks >= self.checks.after:
            self.eject(now, is_by_checks=True)
