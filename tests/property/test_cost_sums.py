import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.recording.rows import ATTEMPT_COLUMNS, REQUEST_COLUMNS, attempt_rows, request_row
from suffice.testing.outcomes import make_attempt, make_outcome
from suffice.upstream.pricing import cost
from suffice.vocabulary import Price, Usage

prices = st.floats(min_value=0.0, max_value=1_000.0)
price_lists = st.builds(Price, input=prices, cached_input=st.none() | prices, output=prices)
tokens = st.integers(min_value=0, max_value=10_000_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    prompt = draw(tokens)
    cached = draw(st.integers(min_value=0, max_value=prompt))
    return Usage(prompt_tokens=prompt, cached_tokens=cached, completion_tokens=draw(tokens))


@given(price=price_lists, n=st.integers(), cached=st.integers(), completion=st.integers())
def test_no_usage_has_a_negative_cost(price: Price, n: int, cached: int, completion: int) -> None:
    usage = Usage(prompt_tokens=n, cached_tokens=cached, completion_tokens=completion)

    assert cost(price, usage) >= 0.0


@given(price=price_lists, a=usages(), b=usages())
def test_two_calls_cost_what_one_call_with_all_their_tokens_costs(price: Price, a: Usage, b: Usage) -> None:
    both = Usage(
        prompt_tokens=a.prompt_tokens + b.prompt_tokens,
        cached_tokens=a.cached_tokens + b.cached_tokens,
        completion_tokens=a.completion_tokens + b.completion_tokens,
    )

    assert cost(price, a) + cost(price, b) == pytest.approx(cost(price, both), rel=1e-12, abs=1e-15)


@given(price=price_lists, usage=usages(), more=tokens)
def test_more_tokens_never_cost_less(price: Price, usage: Usage, more: int) -> None:
    longer = Usage(
        prompt_tokens=usage.prompt_tokens + more,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens + more,
    )

    assert cost(price, longer) >= cost(price, usage)


@given(price=price_lists, spent=st.lists(usages(), max_size=6))
def test_a_request_row_holds_the_sums_of_its_attempt_rows(price: Price, spent: list[Usage]) -> None:
    outcome = make_outcome()
    outcome.attempts = [make_attempt() for _ in spent]
    for attempt, usage in zip(outcome.attempts, spent, strict=True):
        attempt.usage, attempt.cost_usd = usage, cost(price, usage)

    request = dict(zip(REQUEST_COLUMNS, request_row(outcome), strict=True))
    attempts = [dict(zip(ATTEMPT_COLUMNS, row, strict=True)) for row in attempt_rows(outcome)]

    costs = [row["cost_usd"] for row in attempts]
    assert request["cost_usd"] == pytest.approx(math.fsum(x for x in costs if isinstance(x, float)))
    for name in ("prompt_tokens", "cached_tokens", "completion_tokens"):
        assert request[name] == sum(x for x in (row[name] for row in attempts) if isinstance(x, int))
