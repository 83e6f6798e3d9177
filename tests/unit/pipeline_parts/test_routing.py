from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from msgspec import structs

from suffice.errors import NoTierError, RequestError, UnknownModelError
from suffice.pipeline.arrival import Arrival, ModeSwitch
from suffice.pipeline.routing import Router
from suffice.policy.config import AliasConfig
from suffice.policy.selection import Catalogue
from suffice.testing.fakes import LARGE, SMALL, TIERS, make_arrival, make_router
from suffice.vocabulary import CacheUse, Mode, Reason, Score, Turn
from suffice.wire.answer import Assembly

IMAGE: dict[str, Any] = {"type": "image_url", "image_url": {"url": "data:,"}}


@dataclass
class CountingScorer:
    """A turn's complexity is the number it says; every call is noted."""

    version: str = "counting"
    scored: list[str] = field(default_factory=list[str])

    def score(self, turn: Turn) -> Score:
        self.scored.append(turn.text)
        return Score(complexity=float(turn.text), p_ok={SMALL: 0.5}, explanation={"said": float(turn.text)})


def talk(*texts: str, **fields: Any) -> Arrival:
    """A conversation of these user turns."""
    messages = [{"role": "user", "content": texts[0]}]
    for text in texts[1:]:
        messages += [{"role": "assistant", "content": "so"}, {"role": "user", "content": text}]
    return make_arrival(messages=messages, **fields)


def counting_router(router: Router | None = None) -> tuple[Router, CountingScorer]:
    scorer = CountingScorer()
    return replace(router or make_router(), scorer=scorer), scorer


def with_catalogue(router: Router, aliases: Mapping[str, AliasConfig]) -> Router:
    return replace(router, catalogue=Catalogue(TIERS, aliases))


def test_complexity_of_a_conversation_is_the_hardest_turn_decayed() -> None:
    router, _ = counting_router()

    decision = router.route(talk("9", "1", "2")).decision

    assert decision.complexity == pytest.approx(9 * 0.8**2)
    assert (decision.own_complexity, decision.tier, decision.reason) == (2.0, LARGE, Reason.INHERITED)
    assert (decision.p_ok, decision.explanation) == ({SMALL: 0.5}, {"said": 2.0})


def test_a_turn_is_scored_once_for_all_conversations() -> None:
    router, scorer = counting_router()

    uses = [router.route(talk(*texts)).cache for texts in (("1", "2"), ("3", "2"), ("1", "4"))]

    assert sorted(scorer.scored) == ["1", "2", "3", "4"]
    assert uses == [CacheUse.MISS, CacheUse.HIT, CacheUse.MISS]


def test_a_client_that_wants_no_cache_has_every_turn_scored() -> None:
    router, scorer = counting_router()
    arrival = structs.replace(talk("1", "2"), use_cache=False)

    uses = [router.route(arrival).cache for _ in range(2)]

    assert uses == [CacheUse.OFF, CacheUse.OFF]
    assert len(scorer.scored) == 4


def test_turns_too_old_to_matter_are_not_scored() -> None:
    router, scorer = counting_router()

    route = router.route(talk("1", "2", "9"))

    assert scorer.scored == ["9"]
    assert route.decision.complexity == 9.0


def test_scores_made_beforehand_are_used_and_kept() -> None:
    router, scorer = counting_router()
    arrival = talk("1", "2")
    turns = router.unscored(arrival)

    route = router.route(arrival, {turn: Score(complexity=9.0) for turn in turns})

    assert [turn.text for turn in turns] == ["2", "1"]
    assert route.decision.own_complexity == 9.0
    assert scorer.scored == []
    assert router.unscored(arrival) == []


def test_without_the_cache_every_turn_is_still_to_be_scored() -> None:
    router, _ = counting_router()
    router.route(talk("1", "2"))

    turns = router.unscored(structs.replace(talk("1", "2"), use_cache=False))

    assert len(turns) == 2


def test_a_named_tier_is_neither_scored_nor_withheld() -> None:
    router, scorer = counting_router(make_router(mode=Mode.OBSERVE))
    arrival = talk("1", model="small-model")

    route = router.route(arrival)

    assert (route.decision.tier, route.decision.reason, route.decision.ladder) == (SMALL, Reason.EXPLICIT, (SMALL,))
    assert router.unscored(arrival) == []
    assert (scorer.scored, route.cache) == ([], CacheUse.OFF)


def test_an_alias_brings_its_model_and_its_profile() -> None:
    aliases = {"lora": AliasConfig(tier="small", model="adapter"), "gpt-4o": AliasConfig(profile="support")}
    router = with_catalogue(make_router(), aliases)
    settings = {**router.settings, "support": replace(router.settings[None], thresholds={SMALL: 0.5})}
    router = replace(router, settings=settings)

    named, profiled = router.route(make_arrival(model="lora")), router.route(make_arrival(model="gpt-4o"))

    assert (named.decision.tier, named.model) == (SMALL, "adapter")
    assert (profiled.profile, profiled.decision.tier) == ("support", LARGE)


def test_the_profile_of_an_alias_comes_before_that_of_the_key() -> None:
    router = with_catalogue(make_router(), {"gpt-4o": AliasConfig(profile="support")})
    keyed = structs.replace(make_arrival(), profile="keyed")

    assert router.profile_of(keyed) == "keyed"
    assert router.profile_of(structs.replace(make_arrival(model="gpt-4o"), profile="keyed")) == "support"


def test_a_clients_threshold_holds_for_its_request_alone() -> None:
    router = make_router(complexity=5.0)

    tiers = [router.route(make_arrival(model=model)).decision.tier for model in ("auto", "auto@6", "auto")]

    assert tiers == [LARGE, SMALL, LARGE]


@pytest.mark.parametrize(
    ("min_tier", "tier", "reason"),
    [(None, SMALL, Reason.SUFFICES), ("", SMALL, Reason.SUFFICES), ("large", LARGE, Reason.MIN_TIER)],
)
def test_the_clients_lowest_tier_is_kept(min_tier: str | None, tier: str, reason: Reason) -> None:
    decision = make_router().route(structs.replace(make_arrival(), min_tier=min_tier)).decision

    assert (decision.tier, decision.reason) == (tier, reason)


def test_a_lowest_tier_that_is_none_is_refused() -> None:
    with pytest.raises(RequestError, match="x-suffice-min-tier: 'huge' is no tier"):
        make_router().route(structs.replace(make_arrival(), min_tier="huge"))


def test_a_request_that_only_lower_tiers_could_serve_is_refused() -> None:
    router = replace(make_router(settings={"thresholds": {LARGE: 4.0}}), catalogue=Catalogue(TIERS[::-1]))
    arrival = structs.replace(make_arrival(messages=[{"role": "user", "content": [IMAGE]}]), min_tier="small")

    with pytest.raises(NoTierError, match="no tier can serve this request: small does not support images"):
        router.route(arrival)


def test_an_unknown_model_is_refused_wherever_it_is_asked_for() -> None:
    router, arrival = make_router(), make_arrival(model="gpt-9")

    for ask in (router.route, router.profile_of, router.unscored):
        with pytest.raises(UnknownModelError):
            ask(arrival)


def test_a_step_of_a_tool_loop_stays_on_its_tier() -> None:
    router, _ = counting_router()
    arrival = structs.replace(talk("1"), session="s")
    router.memory.remember(router.route(arrival).recall, Assembly(), tier=LARGE, escalated=False)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "1"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "found"},
    ]

    step = router.route(structs.replace(make_arrival(messages=messages), session="s")).decision
    next_turn = router.route(arrival).decision

    assert (step.tier, step.reason) == (LARGE, Reason.TOOL_LOOP)
    assert (next_turn.tier, next_turn.reason) == (SMALL, Reason.SUFFICES)


def test_an_escalated_prompt_goes_straight_up_unless_the_cache_is_off() -> None:
    router = make_router()
    arrival = make_arrival()
    prompt = router.route(arrival).recall.prefixes.whole
    for _ in range(2):
        router.memory.remember_escalation(prompt, to=LARGE)

    cached, uncached = (router.route(structs.replace(arrival, use_cache=use)).decision for use in (True, False))

    assert (cached.tier, cached.reason) == (LARGE, Reason.ESCALATED_BEFORE)
    assert (uncached.tier, uncached.reason) == (SMALL, Reason.SUFFICES)


def test_of_two_escalations_the_higher_one_counts() -> None:
    router = make_router()
    arrival = structs.replace(make_arrival(), session="s")
    recall = router.route(arrival).recall
    router.memory.remember(recall, Assembly(), tier=LARGE, escalated=True)
    for _ in range(2):
        router.memory.remember_escalation(recall.prefixes.whole, to=SMALL)

    assert router.route(arrival).decision.tier == LARGE


@pytest.mark.parametrize(
    ("switch", "tier", "reason"),
    [
        (ModeSwitch(), SMALL, Reason.SUFFICES),
        (ModeSwitch(mode=Mode.OBSERVE), LARGE, Reason.OBSERVE),
        (ModeSwitch(mode=Mode.CANARY), LARGE, Reason.CANARY),
        (ModeSwitch(mode=Mode.CANARY, canary_percent=100.0), SMALL, Reason.SUFFICES),
    ],
)
def test_the_mode_that_was_switched_to_wins(switch: ModeSwitch, tier: str, reason: Reason) -> None:
    router = replace(make_router(), switch=switch)

    route = router.route(make_arrival())

    assert (route.decision.tier, route.decision.reason) == (tier, reason)
    assert route.decision.ladder[0] == tier
    assert route.mode is (switch.mode or Mode.ROUTE)


def test_a_canary_takes_its_share_of_the_conversations_and_keeps_them() -> None:
    router = make_router(mode=Mode.CANARY, settings={"canary_percent": 30.0})
    arrivals = [structs.replace(make_arrival(), session=f"session {number}") for number in range(1_000)]

    first, second = ([router.route(arrival).decision.tier for arrival in arrivals] for _ in range(2))

    assert first == second
    # Within three standard deviations of a binomial of 1,000 draws at 30 %.
    assert 257 <= first.count(SMALL) <= 343


def test_the_limit_on_messages_is_that_of_the_profile() -> None:
    router = make_router(settings={"max_messages": 2})

    with pytest.raises(RequestError, match="3 messages are over the limit of 2") as caught:
        router.route(talk("1", "2"))

    assert caught.value.param == "messages"


def test_a_request_is_described_as_it_was_read() -> None:
    route = make_router().route(talk("1", "2", max_tokens=7))

    assert [turn.text for turn in route.features.turns] == ["2", "1"]
    assert route.features.n_answer_tokens == 7
    assert route.decision.thresholds == {SMALL: 4.0}
