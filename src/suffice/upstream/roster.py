"""Which replicas of a tier are in service."""

import math
from collections.abc import Sequence

from suffice.upstream.replica import Replica
from suffice.vocabulary import HealthState


class Roster:
    """Keeps the list of replicas that get calls, and never lets failing calls empty it."""

    def __init__(self, replicas: Sequence[Replica], *, max_share: float) -> None:
        """Take the replicas of one tier.

        Args:
            replicas: At least one, all of them healthy.
            max_share: Of the replicas, that failing calls may leave out.
        """
        self.replicas = tuple(replicas)
        self.ready: tuple[Replica, ...] = self.replicas
        self.next_trial_at = math.inf
        """When a replica that is out may be tried; nothing else needs be looked at before."""
        self._max_ejected = min(int(max_share * len(self.replicas)), len(self.replicas) - 1)

    def note_answer(self, replica: Replica) -> bool:
        """Take note that a call was answered; True: that brought the replica back.

        The answer to a call from before its ejection says nothing new of a replica that failing calls left out.
        """
        health = replica.health
        if health.state is HealthState.HALF_OPEN or (health.state is HealthState.EJECTED and health.is_by_checks):
            health.restore()
            self._refresh()
            return True
        return False

    def note_failure(self, replica: Replica, now: float) -> None:
        """Take note that a call failed, which may eject the replica."""
        health = replica.health
        health.note_failure()
        is_failing = health.state is HealthState.HEALTHY and health.is_failing and self._may_eject()
        if is_failing or health.state is HealthState.HALF_OPEN:
            health.eject(now)
            self._refresh()

    def note_check(self, replica: Replica, now: float, *, is_good: bool) -> bool:
        """Take note of a check; True: that brought the replica back."""
        was_ready = replica.is_ready
        if is_good:
            replica.health.note_good_check(now)
        else:
            replica.health.note_bad_check(now)
        self._refresh()
        return replica.is_ready and not was_ready

    def begin_trial(self, now: float) -> Replica | None:
        """A replica that is due for a trial and has room, in that state from now on."""
        due = (each for each in self.replicas if _is_out(each) and each.health.due_at <= now and each.has_room)
        replica = next(due, None)
        if replica is not None:
            replica.health.begin_trial()
            self._refresh()
        return replica

    def abandon_trial(self, replica: Replica) -> None:
        """The call that tried a replica was given up before it was answered."""
        if replica.health.state is HealthState.HALF_OPEN:
            replica.health.abandon_trial()
            self._refresh()

    def _may_eject(self) -> bool:
        return len(self.replicas) - len(self.ready) < self._max_ejected

    def _refresh(self) -> None:
        for replica in self.replicas:
            replica.is_ready = replica.health.state is HealthState.HEALTHY
        self.ready = tuple(replica for replica in self.replicas if replica.is_ready)
        self.next_trial_at = min((each.health.due_at for each in self.replicas if _is_out(each)), default=math.inf)


def _is_out(replica: Replica) -> bool:
    return replica.health.state is HealthState.EJECTED
