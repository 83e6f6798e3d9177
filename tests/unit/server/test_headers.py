from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from suffice.errors import RequestError
from suffice.server.headers import MAX_FEATURE, MAX_SESSION, decision_headers, priority_of, session_of
from suffice.testing.outcomes import LARGE, SMALL, make_attempt, make_decision, make_outcome
from suffice.vocabulary import CacheUse, Outcome, Priority, Proposal, Reason, Usd


def headers(outcome: Outcome, *, streamed: bool = False, debug: bool = False) -> Mapping[str, str]:
    return decision_headers(outcome, streamed=streamed, debug=debug)


@pytest.mark.parametrize(
    ("sent", "session"),
    [
        ({}, None),
        ({"x-suffice-session": "a"}, "a"),
        ({"session_id": "b"}, "b"),
        ({"helicone-session-id": "c", "x-session-id": "d"}, "d"),
        ({"x-session-id": "d", "x-suffice-session": "a"}, "a"),
        ({"x-suffice-session": "", "session-id": "e"}, "e"),
        ({"x-suffice-session": "s" * 5_000}, "s" * MAX_SESSION),
    ],
)
def test_the_first_session_header_names_the_conversation(sent: Mapping[str, str], session: str | None) -> None:
    assert session_of(sent) == session


@pytest.mark.parametrize(
    ("sent", "priority"),
    [
        ({}, Priority.NORMAL),
        ({"x-suffice-priority": "high"}, Priority.HIGH),
        ({"x-suffice-priority": "Normal"}, Priority.NORMAL),
        ({"x-suffice-priority": "low"}, Priority.LOW),
    ],
)
def test_a_header_says_how_important_a_request_is(sent: Mapping[str, str], priority: Priority) -> None:
    assert priority_of(sent) is priority


@pytest.mark.parametrize("stated", ["", "urgent", "0", "high,low"])
def test_a_priority_that_is_not_known_is_the_clients_mistake(stated: str) -> None:
    with pytest.raises(RequestError, match="use one of high, normal, low") as caught:
        priority_of({"x-suffice-priority": stated})

    assert caught.value.param == "x-suffice-priority"


def test_a_decision_is_told_beside_the_answer() -> None:
    outcome = make_outcome(1)
    outcome.attempts[0].cost_usd = Usd(0.0001)

    assert headers(outcome) == {
        "x-suffice-request-id": "req-00000001",
        "x-suffice-tier": "small",
        "x-suffice-reason": "suffices",
        "x-suffice-escalated": "false",
        "x-suffice-cache": "miss",
        "x-suffice-complexity": "3.50",
        "x-suffice-cost-usd": "0.000100000",
    }


def test_an_escalated_answer_names_the_tier_that_gave_it_and_the_cost_of_all() -> None:
    told = headers(make_outcome(escalated=True))

    assert (told["x-suffice-tier"], told["x-suffice-escalated"]) == ("large", "true")
    assert told["x-suffice-cost-usd"] == "0.001000000"


def test_a_streams_cost_is_not_known_when_its_head_is_sent() -> None:
    assert "x-suffice-cost-usd" not in headers(make_outcome(), streamed=True)


def test_a_bypass_has_no_complexity() -> None:
    outcome = make_outcome()
    outcome.decision = replace(make_decision(reason=Reason.EXPLICIT), complexity=None)

    assert "x-suffice-complexity" not in headers(outcome)


def test_before_a_decision_only_the_id_is_known() -> None:
    outcome = make_outcome()
    outcome.decision = None

    assert headers(outcome, debug=True) == {"x-suffice-request-id": outcome.request_id}


def test_before_an_attempt_the_tier_is_the_one_decided_on() -> None:
    outcome = make_outcome(tier=LARGE)
    outcome.attempts, outcome.cache = [], CacheUse.OFF

    told = headers(outcome)

    assert (told["x-suffice-tier"], told["x-suffice-cache"]) == ("large", "off")


def test_debugging_tells_what_led_to_the_decision() -> None:
    outcome = make_outcome(escalated=True, session="s")
    outcome.decision = replace(
        make_decision(),
        explanation={"n_tokens": 12.34567},
        skipped={SMALL: "does not support tools"},
        proposal=Proposal(tier=SMALL, reason=Reason.SUFFICES),
    )

    told = headers(outcome, debug=True)

    assert told["x-suffice-attempts"] == "small:empty,large:top"
    assert told["x-suffice-thresholds"] == "small=4"
    assert told["x-suffice-explanation"] == "n_tokens=12.35"
    assert told["x-suffice-skipped"] == "small: does not support tools"
    assert told["x-suffice-proposal"] == "small:suffices"
    assert (told["x-suffice-mode"], told["x-suffice-scorer"]) == ("route", "exemplars-1")
    assert (told["x-suffice-routing-us"], told["x-suffice-session"]) == ("800", "s")


def test_debugging_tells_the_bundle_and_each_tiers_chance() -> None:
    outcome = make_outcome()
    outcome.bundle_id = "abc"
    outcome.decision = replace(make_decision(), p_ok={SMALL: 0.81234, LARGE: 0.9})

    told = headers(outcome, debug=True)

    assert (told["x-suffice-bundle"], told["x-suffice-p-ok"]) == ("abc", "small=0.812,large=0.900")


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        ("prove zebras", "prove zebras"),
        ("count: words", "count: words"),
        ("a=b,c", "a%3Db%2Cc"),
        ("x\r\ny: 1", "x%0D%0Ay: 1"),
        ("\N{BEAR FACE}", "%F0%9F%90%BB"),
        ("z" * 5_000, "z" * MAX_FEATURE),
    ],
)
def test_no_word_of_a_prompt_can_end_a_header(feature: str, said: str) -> None:
    outcome = make_outcome()
    outcome.decision = replace(make_decision(), explanation={feature: -0.5})

    assert headers(outcome, debug=True)["x-suffice-explanation"] == f"{said}=-0.5"


def test_debugging_leaves_out_what_there_is_nothing_to_say_of() -> None:
    told = headers(make_outcome(), debug=True)

    assert not {"x-suffice-skipped", "x-suffice-session", "x-suffice-proposal"} & set(told)


@pytest.mark.parametrize(("error", "said"), [(None, "small:running"), ("upstream_failed", "small:upstream_failed")])
def test_an_attempt_without_a_verdict_runs_or_has_failed(error: str | None, said: str) -> None:
    outcome = make_outcome()
    attempt = make_attempt()
    attempt.verdict, attempt.error = None, error
    outcome.attempts = [attempt]

    assert headers(outcome, debug=True)["x-suffice-attempts"] == said
