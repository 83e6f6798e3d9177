import json

from msgspec.structs import replace

from suffice.server.explanation import describe_route, explain_route
from suffice.testing.fakes import make_arrival, make_router
from suffice.vocabulary import Mode


def test_a_decision_is_described_with_what_led_to_it() -> None:
    arrival = replace(make_arrival("hello", tools=[{"type": "function"}]), session="s")
    router = make_router(complexity=3.0)

    described = describe_route(router.route(arrival), router)

    assert described == {
        "tier": "small",
        "reason": "suffices",
        "complexity": 3.0,
        "own_complexity": 3.0,
        "p_ok": {},
        "max_complexity": {"small": 4.0},
        "ladder": ["small", "large"],
        "skipped": {},
        "mode": "route",
        "proposal": None,
        "profile": None,
        "session": "s",
        "cache": "miss",
        "scorer": "fixed",
        "bundle": None,
        "explanation": {"n_tokens": 1.0},
        "features": described["features"],
    }


def test_the_features_are_told_as_they_were_counted() -> None:
    system = {"role": "system", "content": "Answer briefly."}
    arrival = make_arrival(messages=[system, {"role": "user", "content": "hello"}])

    features = describe_route(make_router().route(arrival), make_router())["features"]

    assert isinstance(features, dict)
    assert (features["n_turns"], features["n_messages"], features["n_turn_tokens"]) == (1, 2, 1)
    assert features["n_constant_tokens"] > 0
    assert features["n_prompt_tokens"] > features["n_turn_tokens"] + features["n_constant_tokens"]
    assert (features["has_tools"], features["in_tool_loop"], features["n_images"]) == (False, False, 0)


def test_what_routing_would_have_done_is_told_as_a_proposal() -> None:
    router = make_router(mode=Mode.OBSERVE)

    document = json.loads(explain_route(router.route(make_arrival()), router))

    assert (document["tier"], document["reason"], document["ladder"]) == ("large", "observe", ["large"])
    assert document["proposal"] == {"tier": "small", "reason": "suffices"}
