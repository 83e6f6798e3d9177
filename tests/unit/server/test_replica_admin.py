from gateway_calls import Gateway

from suffice.server.config import AuthConfig, KeyConfig
from suffice.vocabulary import HealthState, Priority, ReplicaState, TierState

STATE = TierState(
    tier="small",
    replicas=[
        ReplicaState(
            replica="http://a/v1",
            health=HealthState.EJECTED,
            in_flight=2,
            slots=8,
            n_calls=40,
            n_failures=3,
            n_failed_checks=1,
            n_ejections=2,
            trial_in_s=4.5,
            latency_s=0.25,
        )
    ],
    n_waiting=5,
    max_waiting=64,
    n_shed={("full", Priority.LOW): 2, ("full", Priority.NORMAL): 1, ("late", Priority.LOW): 7},
    drain_s=0.5,
    n_retries=3,
    n_retries_denied=2,
    n_hedges=1,
    retry_tokens=9.8765,
)


def test_every_tier_is_told_of_with_its_queue_retries_and_replicas() -> None:
    wire = Gateway(tier_states=[STATE]).ask("GET", "/admin/replicas")

    assert wire.status == 200
    assert wire.document["tiers"] == [
        {
            "tier": "small",
            "queue": {
                "waiting": 5,
                "max_waiting": 64,
                "places_per_s": 2.0,
                "shed": {"full": {"low": 2, "normal": 1}, "late": {"low": 7}},
            },
            "retries": {"made": 3, "denied": 2, "hedges": 1, "tokens": 9.877},
            "replicas": [
                {
                    "replica": "http://a/v1",
                    "state": "ejected",
                    "in_flight": 2,
                    "slots": 8,
                    "latency_s": 0.25,
                    "calls": 40,
                    "failures_in_a_row": 3,
                    "failed_checks_in_a_row": 1,
                    "ejections": 2,
                    "trial_in_s": 4.5,
                }
            ],
        }
    ]


def test_replicas_are_told_of_to_admins_alone() -> None:
    auth = AuthConfig(keys=[KeyConfig(name="one", hash="sha256:" + "a" * 64)])

    assert Gateway(auth=auth).ask("GET", "/admin/replicas").status == 401
