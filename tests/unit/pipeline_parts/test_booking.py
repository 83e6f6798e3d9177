from typing import Any

import pytest

from suffice.errors import UpstreamError, UpstreamTimeoutError
from suffice.pipeline.booking import Book, note_exchange, note_failure
from suffice.testing.fakes import LARGE, SMALL, TIERS
from suffice.upstream.call import Exchange, FailedTry
from suffice.vocabulary import Attempt, Features, Outcome, Role, TierName, Turn, Usage, VerdictReason
from suffice.wire.answer import Assembly, PromptDetails, WireUsage

FEATURES = Features(turns=(Turn(text="why?", n_tokens=2),), n_prompt_tokens=50)
STATED = WireUsage(prompt_tokens=10, completion_tokens=4)


def make_book() -> Book:
    return Book({tier.name: tier for tier in TIERS}, top=TIERS[-1])


def make_attempt(tier: TierName = SMALL, *, duration_s: float | None = 1.0) -> Attempt:
    return Attempt(tier=tier, model="m", started_s=0.0, duration_s=duration_s)


def make_features(n_answer_tokens: int | None = None) -> Features:
    return Features(turns=FEATURES.turns, n_prompt_tokens=50, n_answer_tokens=n_answer_tokens)


def make_outcome(*attempts: Attempt) -> Outcome:
    return Outcome(request_id="r", received_at=0.0, endpoint="/v1/chat/completions", attempts=list(attempts))


def make_try(number: int, *, status: int | None = None) -> FailedTry:
    return FailedTry(
        replica=f"fake://{number}", started_at=100.0 + number, duration_s=0.5, code="upstream_failed", status=status
    )


def make_exchange(**fields: Any) -> Exchange:
    return Exchange(status=200, content_type="application/json", replica="fake://9", started_at=103.0, **fields)


def teach(book: Book, *, seconds: float, n_tokens: int) -> None:
    """Let the book see one whole plain answer of the small tier."""
    usage = WireUsage(prompt_tokens=1, completion_tokens=n_tokens)
    book.settle(make_attempt(duration_s=seconds), usage, Assembly(), FEATURES, is_whole=True)


def test_what_the_upstream_states_is_what_is_paid() -> None:
    attempt = make_attempt(LARGE)
    usage = WireUsage(prompt_tokens=10, completion_tokens=4, prompt_tokens_details=PromptDetails(cached_tokens=6))

    make_book().settle(attempt, usage, Assembly(finish_reason="stop"), FEATURES, is_whole=True)

    assert attempt.usage == Usage(prompt_tokens=10, cached_tokens=6, completion_tokens=4)
    assert attempt.cost_usd == pytest.approx(14 * 10.0 / 1e6)
    assert attempt.finish_reason == "stop"


@pytest.mark.parametrize(
    "usage",
    [
        WireUsage(prompt_tokens=10, completion_tokens=None),
        WireUsage(prompt_tokens=10, prompt_tokens_details=PromptDetails(cached_tokens=None)),
    ],
)
def test_counts_that_are_stated_as_null_are_none(usage: WireUsage) -> None:
    attempt = make_attempt()

    make_book().settle(attempt, usage, Assembly(), FEATURES, is_whole=True)

    assert attempt.usage == Usage(prompt_tokens=10)


def test_without_stated_usage_pieces_and_the_estimated_prompt_are_counted() -> None:
    attempt = make_attempt()

    make_book().settle(attempt, None, Assembly(n_pieces=7), FEATURES, is_whole=False)

    assert attempt.usage == Usage(prompt_tokens=50, completion_tokens=7, estimated=True)
    assert attempt.cost_usd == pytest.approx(57 * 1.0 / 1e6)


def test_a_whole_answer_of_nothing_is_not_estimated_by_its_time() -> None:
    book, attempt = make_book(), make_attempt(duration_s=5.0)
    teach(book, seconds=1.0, n_tokens=10)

    book.settle(attempt, None, Assembly(), FEATURES, is_whole=True)

    assert attempt.usage == Usage(prompt_tokens=50, completion_tokens=0, estimated=True)


@pytest.mark.parametrize(
    ("duration_s", "limit", "n_tokens"), [(2.0, None, 20), (2.0, 5, 5), (0.05, None, 0), (None, None, 0)]
)
def test_a_plain_call_broken_off_is_paid_by_the_pace_of_its_tier(
    duration_s: float | None, limit: int | None, n_tokens: int
) -> None:
    book, attempt = make_book(), make_attempt(duration_s=duration_s)
    teach(book, seconds=1.0, n_tokens=10)

    book.settle(attempt, None, Assembly(), make_features(limit), is_whole=False)

    assert attempt.usage is not None
    assert attempt.usage.completion_tokens == n_tokens


def test_of_a_tier_that_was_never_heard_nothing_is_guessed() -> None:
    book, attempt = make_book(), make_attempt(LARGE, duration_s=60.0)
    teach(book, seconds=1.0, n_tokens=10)

    book.settle(attempt, None, Assembly(), FEATURES, is_whole=False)

    assert attempt.usage is not None
    assert attempt.usage.completion_tokens == 0


def test_the_pace_follows_the_tier_slowly() -> None:
    book, attempt = make_book(), make_attempt(duration_s=1.1)
    teach(book, seconds=1.0, n_tokens=10)
    teach(book, seconds=2.0, n_tokens=10)

    book.settle(attempt, None, Assembly(), FEATURES, is_whole=False)

    assert attempt.usage is not None
    assert attempt.usage.completion_tokens == 10


@pytest.mark.parametrize(("duration_s", "n_tokens", "is_whole"), [(None, 10, True), (1.0, 0, True), (1.0, 10, False)])
def test_what_tells_no_pace_teaches_none(duration_s: float | None, n_tokens: int, *, is_whole: bool) -> None:
    book, later = make_book(), make_attempt(duration_s=60.0)
    usage = WireUsage(prompt_tokens=1, completion_tokens=n_tokens)

    book.settle(make_attempt(duration_s=duration_s), usage, Assembly(), FEATURES, is_whole=is_whole)
    book.settle(later, None, Assembly(), FEATURES, is_whole=False)

    assert later.usage is not None
    assert later.usage.completion_tokens == 0


def test_always_large_prices_the_served_answer_at_the_top() -> None:
    served = make_attempt()
    make_book().settle(served, STATED, Assembly(), FEATURES, is_whole=True)
    draft = make_attempt()
    draft.role, draft.usage = Role.DRAFT, Usage(prompt_tokens=1_000)

    assert make_book().always_large(make_outcome(draft, served)) == pytest.approx(14 * 10.0 / 1e6)


@pytest.mark.parametrize("attempts", [[], [Attempt(tier=SMALL, model="m", started_s=0.0)]])
def test_what_was_not_served_or_used_nothing_costs_nothing_at_the_top(attempts: list[Attempt]) -> None:
    assert make_book().always_large(make_outcome(*attempts)) == 0.0


def test_an_exchange_names_its_replica_and_when_it_began() -> None:
    attempt = make_attempt()

    note_exchange(make_outcome(attempt), attempt, make_exchange(), 100.0)

    assert (attempt.replica, attempt.status, attempt.started_s) == ("fake://9", 200, 3.0)


def test_the_tries_before_an_exchange_stand_before_it() -> None:
    draft, attempt = make_attempt(), make_attempt(LARGE)
    outcome = make_outcome(draft, attempt)

    note_exchange(outcome, attempt, make_exchange(tries=[make_try(1, status=500), make_try(2)]), 100.0)

    assert [one.replica for one in outcome.attempts] == ["", "fake://1", "fake://2", "fake://9"]
    first = outcome.attempts[1]
    assert (first.tier, first.role, first.status, first.started_s) == (LARGE, Role.DRAFT, 500, 1.0)
    assert (first.duration_s, first.error) == (0.5, "upstream_failed")
    assert first.verdict is not None
    assert first.verdict.reason is VerdictReason.FAILED


def test_of_a_failed_call_the_last_try_is_the_attempt_itself() -> None:
    attempt = make_attempt()
    outcome = make_outcome(attempt)
    error = UpstreamTimeoutError("late")
    error.tries = (make_try(1), make_try(2, status=503))

    note_failure(outcome, attempt, error, 100.0)

    assert [one.replica for one in outcome.attempts] == ["fake://1", "fake://2"]
    assert (attempt.error, attempt.status, attempt.started_s) == ("upstream_timeout", 503, 2.0)
    assert attempt.verdict is not None
    assert not attempt.verdict.accepted


def test_a_call_that_failed_after_its_first_byte_keeps_its_replica() -> None:
    attempt = make_attempt()
    outcome = make_outcome(attempt)
    note_exchange(outcome, attempt, make_exchange(), 100.0)
    error = UpstreamError("broke off")
    error.tries = (make_try(1),)

    note_failure(outcome, attempt, error, 100.0)

    assert [one.replica for one in outcome.attempts] == ["fake://9"]
    assert attempt.error == "upstream_failed"


def test_a_failure_without_tries_is_noted_all_the_same() -> None:
    attempt = make_attempt()

    note_failure(make_outcome(attempt), attempt, UpstreamError("down"), 100.0)

    assert (attempt.error, attempt.replica, attempt.status) == ("upstream_failed", "", None)
