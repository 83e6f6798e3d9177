import asyncio
import json

import pytest
from msgspec.structs import replace

from suffice.errors import NoTierError, RequestError, UpstreamError, UpstreamTimeoutError
from suffice.pipeline.arrival import Arrival
from suffice.pipeline.pipeline import Pipeline
from suffice.testing.fakes import (
    LARGE,
    SMALL,
    Delivery,
    FakeUpstream,
    Scripted,
    chat_answer,
    make_arrival,
    make_pipeline,
    make_router,
)
from suffice.upstream.call import FailedTry
from suffice.vocabulary import CacheUse, Capabilities, Mode, Reason, Role, VerdictReason

GOOD = Scripted(body=chat_answer("42"))
GOOD_LARGE = Scripted(body=chat_answer("42", model="large-model"))
EMPTY = Scripted(body=chat_answer(""))
DOWN = Scripted(breaks=UpstreamError("down"))
CONTEXT = Scripted(status=400, body=b'{"error":{"message":"This model\'s maximum context length is 8 tokens"}}')


def answer(pipeline: Pipeline, arrival: Arrival) -> tuple[int, bytes]:
    delivery = Delivery()
    asyncio.run(pipeline.answer(arrival, delivery.take))
    assert delivery.reply is not None
    return delivery.reply.status, delivery.body


def test_an_accepted_small_answer_is_served_as_it_came() -> None:
    small, large = FakeUpstream([GOOD]), FakeUpstream([GOOD_LARGE])
    pipeline, collector = make_pipeline(small, large)

    status, body = answer(pipeline, make_arrival())

    assert (status, body) == (200, GOOD.body)
    assert large.calls == []
    assert [attempt.tier for attempt in collector.only.attempts] == [SMALL]


def test_the_upstream_gets_its_own_model_name() -> None:
    small = FakeUpstream([GOOD])
    pipeline, _ = make_pipeline(small, FakeUpstream([GOOD_LARGE]))

    answer(pipeline, make_arrival(temperature=0.5))

    assert json.loads(small.calls[0].body)["model"] == "small-model"
    assert b'"temperature":0.5' in small.calls[0].body


def test_an_empty_answer_is_escalated_once_and_both_calls_are_paid() -> None:
    small, large = FakeUpstream([EMPTY]), FakeUpstream([GOOD_LARGE])
    pipeline, collector = make_pipeline(small, large)

    _, body = answer(pipeline, make_arrival())

    outcome = collector.only
    assert body == GOOD_LARGE.body
    assert [(a.tier, a.role) for a in outcome.attempts] == [(SMALL, Role.DRAFT), (LARGE, Role.SERVE)]
    assert outcome.attempts[0].verdict is not None
    assert outcome.attempts[0].verdict.reason is VerdictReason.EMPTY
    assert outcome.escalated
    assert outcome.cost_usd == pytest.approx((15 * 1.0 + 15 * 10.0) / 1e6)
    assert outcome.always_large_usd == pytest.approx(15 * 10.0 / 1e6)


def test_escalation_switched_off_serves_the_empty_answer() -> None:
    from suffice.policy.config import EscalationConfig  # noqa: PLC0415 - only here

    router = make_router(settings={"escalation": EscalationConfig(enabled=False)})
    large = FakeUpstream([GOOD_LARGE])
    pipeline, _ = make_pipeline(FakeUpstream([EMPTY]), large, router=router)

    _, body = answer(pipeline, make_arrival())

    assert body == EMPTY.body
    assert large.calls == []


@pytest.mark.parametrize("finish_reason", ["length", "stop"])
def test_an_answer_cut_at_the_models_own_limit_is_escalated(finish_reason: str) -> None:
    small = FakeUpstream([Scripted(body=chat_answer("and then", finish_reason=finish_reason))])
    large = FakeUpstream([GOOD_LARGE])
    pipeline, _ = make_pipeline(small, large)

    answer(pipeline, make_arrival())

    assert len(large.calls) == (1 if finish_reason == "length" else 0)


def test_an_answer_cut_at_the_clients_limit_is_what_was_asked_for() -> None:
    small = FakeUpstream([Scripted(body=chat_answer("and then", finish_reason="length"))])
    large = FakeUpstream([GOOD_LARGE])
    pipeline, _ = make_pipeline(small, large)

    answer(pipeline, make_arrival(max_tokens=5))

    assert large.calls == []


def test_invalid_json_is_escalated_where_json_was_asked_for() -> None:
    large = FakeUpstream([Scripted(body=chat_answer('{"a":1}'))])
    pipeline, collector = make_pipeline(FakeUpstream([Scripted(body=chat_answer("{'a': 1"))]), large)

    answer(pipeline, make_arrival(response_format={"type": "json_object"}))

    assert collector.only.attempts[0].verdict is not None
    assert collector.only.attempts[0].verdict.reason is VerdictReason.INVALID_JSON


@pytest.mark.parametrize(
    "scripted",
    [DOWN, Scripted(body=b"<html>"), Scripted(body=b'{"choices":[]}'), Scripted(status=204, body=b""), CONTEXT],
)
def test_a_tier_without_an_answer_is_followed_by_the_next_one_up(scripted: Scripted) -> None:
    large = FakeUpstream([GOOD_LARGE])
    pipeline, collector = make_pipeline(FakeUpstream([scripted]), large)

    status, body = answer(pipeline, make_arrival())

    assert (status, body) == (200, GOOD_LARGE.body)
    assert collector.only.status == 200
    assert collector.only.error is None


def test_a_request_that_any_tier_would_refuse_is_refused_with_the_upstreams_words() -> None:
    refusal = Scripted(status=422, body=b'{"error":{"message":"temperature is 9"}}')
    large = FakeUpstream([GOOD_LARGE])
    pipeline, collector = make_pipeline(FakeUpstream([refusal]), large)

    status, body = answer(pipeline, make_arrival())

    assert (status, body) == (422, refusal.body)
    assert large.calls == []
    assert collector.only.cost_usd == 0.0


def test_the_last_tiers_failure_is_the_clients_and_is_told_of_once() -> None:
    pipeline, collector = make_pipeline(FakeUpstream([DOWN]), FakeUpstream([DOWN]))

    with pytest.raises(UpstreamError):
        answer(pipeline, make_arrival())

    outcome = collector.only
    assert outcome.error == "upstream_failed"
    assert outcome.status == 502
    assert [attempt.error for attempt in outcome.attempts] == ["upstream_failed"] * 2


def test_tries_on_other_replicas_are_attempts_of_their_own() -> None:
    error = UpstreamTimeoutError("late")
    error.tries = tuple(
        FailedTry(replica=f"fake://{index}", started_at=float(index), duration_s=1.0, code=error.code)
        for index in range(3)
    )
    pipeline, collector = make_pipeline(FakeUpstream([Scripted(breaks=error)]), FakeUpstream([GOOD_LARGE]))

    answer(pipeline, make_arrival())

    assert [a.replica for a in collector.only.attempts] == ["fake://0", "fake://1", "fake://2", "fake://0"]
    assert [a.role for a in collector.only.attempts] == [Role.DRAFT] * 3 + [Role.SERVE]


def test_a_named_tier_has_no_fallback() -> None:
    large = FakeUpstream([GOOD_LARGE])
    pipeline, collector = make_pipeline(FakeUpstream([DOWN]), large)

    with pytest.raises(UpstreamError):
        answer(pipeline, make_arrival(model="small"))

    assert large.calls == []
    assert collector.only.decision is not None
    assert collector.only.decision.reason is Reason.EXPLICIT


def test_observing_asks_the_top_tier_and_records_what_would_have_been() -> None:
    small = FakeUpstream([GOOD])
    pipeline, collector = make_pipeline(small, FakeUpstream([GOOD_LARGE]), router=make_router(mode=Mode.OBSERVE))

    answer(pipeline, make_arrival())

    decision = collector.only.decision
    assert small.calls == []
    assert decision is not None
    assert decision.proposal is not None
    assert (decision.tier, decision.reason) == (LARGE, Reason.OBSERVE)
    assert (decision.proposal.tier, decision.proposal.reason) == (SMALL, Reason.SUFFICES)


def test_observing_passes_on_what_the_file_says_the_top_tier_lacks() -> None:
    router = make_router(mode=Mode.OBSERVE)
    small, large = router.catalogue.tiers
    object.__setattr__(router.catalogue, "tiers", (small, replace(large, capabilities=small.capabilities)))
    pipeline, collector = make_pipeline(FakeUpstream([GOOD]), FakeUpstream([GOOD_LARGE]), router=router)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}

    status, _ = answer(pipeline, make_arrival(messages=[{"role": "user", "content": [image]}]))

    assert status == 200
    assert [attempt.tier for attempt in collector.only.attempts] == [LARGE]


def test_a_prompt_too_long_for_every_tier_has_the_code_that_clients_trim_on() -> None:
    router = make_router()
    tight = tuple(replace(tier, capabilities=Capabilities(context_tokens=20)) for tier in router.catalogue.tiers)
    object.__setattr__(router.catalogue, "tiers", tight)
    pipeline, _ = make_pipeline(FakeUpstream([GOOD]), FakeUpstream([GOOD_LARGE]), router=router)

    with pytest.raises(NoTierError, match="context of 20 tokens is too small") as caught:
        answer(pipeline, make_arrival("word " * 200))

    assert caught.value.code == "context_length_exceeded"


def test_an_image_skips_the_tier_that_cannot_see_it() -> None:
    pipeline, collector = make_pipeline(FakeUpstream([GOOD]), FakeUpstream([GOOD_LARGE]))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
    arrival = make_arrival(messages=[{"role": "user", "content": [{"type": "text", "text": "see"}, image]}])

    answer(pipeline, arrival)

    decision = collector.only.decision
    assert decision is not None
    assert (decision.tier, decision.reason) == (LARGE, Reason.CAPABILITY)
    assert decision.skipped == {SMALL: "does not support images"}


def test_too_many_messages_are_refused_before_anything_is_called() -> None:
    small = FakeUpstream([GOOD])
    pipeline, collector = make_pipeline(small, FakeUpstream([GOOD_LARGE]))

    with pytest.raises(RequestError, match="101 messages are over the limit of 100"):
        answer(pipeline, make_arrival(messages=[{"role": "user", "content": "x"}] * 101))

    assert small.calls == []
    assert collector.only.status == 400


def test_a_request_that_no_tier_can_serve_says_what_each_lacks() -> None:
    router = make_router()
    pipeline, _ = make_pipeline(FakeUpstream([GOOD]), FakeUpstream([GOOD_LARGE]), router=router)
    object.__setattr__(router.catalogue, "tiers", router.catalogue.tiers[:1])
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}

    with pytest.raises(NoTierError, match="small does not support images"):
        answer(pipeline, make_arrival(messages=[{"role": "user", "content": [image]}]))


def test_nothing_is_served_below_the_clients_lowest_tier() -> None:
    router = make_router()
    small, large = router.catalogue.tiers
    object.__setattr__(router.catalogue, "tiers", (replace(large, name=SMALL), replace(small, name=LARGE)))
    pipeline, _ = make_pipeline(FakeUpstream([GOOD]), FakeUpstream([GOOD_LARGE]), router=router)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
    arrival = replace(make_arrival(messages=[{"role": "user", "content": [image]}]), min_tier="large")

    with pytest.raises(NoTierError, match="large does not support images"):
        answer(pipeline, arrival)


def test_the_same_prompt_again_is_a_hit_and_no_store_leaves_the_cache_alone() -> None:
    pipeline, collector = make_pipeline(FakeUpstream([GOOD]), FakeUpstream([GOOD_LARGE]))
    arrival = make_arrival()
    unstored = Arrival(request=arrival.request, request_id="r2", received_at=0.0, started_at=0.0, use_cache=False)

    for one in (arrival, arrival, unstored):
        answer(pipeline, one)

    assert [outcome.cache for outcome in collector.outcomes] == [CacheUse.MISS, CacheUse.HIT, CacheUse.OFF]


def test_content_is_kept_only_where_it_is_recorded() -> None:
    router = make_router(settings={"record_content": True})
    kept_pipeline, kept = make_pipeline(FakeUpstream([GOOD]), FakeUpstream([GOOD_LARGE]), router=router)
    pipeline, collector = make_pipeline(FakeUpstream([GOOD]), FakeUpstream([GOOD_LARGE]))

    answer(kept_pipeline, make_arrival("secret"))
    answer(pipeline, make_arrival("secret"))

    assert kept.only.prompt is not None
    assert "secret" in kept.only.prompt
    assert kept.only.attempts[0].answer == "42"
    assert (collector.only.prompt, collector.only.attempts[0].answer) == (None, None)
