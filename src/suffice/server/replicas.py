"""`/admin/replicas`: how the servers of each tier are, and who waits for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from suffice.server.http import Request, Responder
from suffice.vocabulary import ReplicaState, TierState


@dataclass(frozen=True, slots=True)
class ReplicaAdmin:
    """Tells how replicas are."""

    read: Callable[[], Sequence[TierState]]

    async def show(self, _: Request, respond: Responder) -> None:
        """Tell of every tier, those behind passed paths too."""
        body = {"tiers": [_describe_tier(tier) for tier in self.read()]}
        await respond.whole(HTTPStatus.OK, msgspec.json.encode(body))


def _describe_tier(tier: TierState) -> dict[str, object]:
    shed: dict[str, dict[str, int]] = {}
    for (reason, priority), n in tier.n_shed.items():
        shed.setdefault(reason, {})[priority.name.lower()] = n
    return {
        "tier": tier.tier,
        "queue": {
            "waiting": tier.n_waiting,
            "max_waiting": tier.max_waiting,
            "places_per_s": 1.0 / tier.drain_s if tier.drain_s else None,
            "shed": shed,
        },
        "retries": {
            "made": tier.n_retries,
            "denied": tier.n_retries_denied,
            "hedges": tier.n_hedges,
            "tokens": round(tier.retry_tokens, 3),
        },
        "replicas": [_describe_replica(replica) for replica in tier.replicas],
    }


def _describe_replica(state: ReplicaState) -> dict[str, object]:
    return {
        "replica": state.replica,
        "state": state.health,
        "in_flight": state.in_flight,
        "slots": state.slots,
        "latency_s": state.latency_s,
        "calls": state.n_calls,
        "failures_in_a_row": state.n_failures,
        "failed_checks_in_a_row": state.n_failed_checks,
        "ejections": state.n_ejections,
        "trial_in_s": state.trial_in_s,
    }
