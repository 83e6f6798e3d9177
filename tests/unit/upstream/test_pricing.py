import pytest

from suffice.upstream.pricing import cost
from suffice.vocabulary import Price, Usage

PRICE = Price(input=1.0, cached_input=0.25, output=4.0)


def test_prompt_and_answer_cost_their_own_price() -> None:
    usage = Usage(prompt_tokens=1_000_000, completion_tokens=500_000)

    assert cost(PRICE, usage) == pytest.approx(1.0 + 2.0)


def test_cached_tokens_cost_the_cached_price_and_nothing_else() -> None:
    usage = Usage(prompt_tokens=1_000_000, cached_tokens=400_000)

    assert cost(PRICE, usage) == pytest.approx(0.6 + 0.1)


def test_cached_tokens_cost_as_others_where_no_cached_price_is_set() -> None:
    usage = Usage(prompt_tokens=1_000_000, cached_tokens=400_000)

    assert cost(Price(input=1.0), usage) == pytest.approx(1.0)


def test_a_cached_price_of_zero_is_a_price() -> None:
    usage = Usage(prompt_tokens=1_000_000, cached_tokens=1_000_000)

    assert cost(Price(input=1.0, cached_input=0.0), usage) == 0.0


def test_more_cached_than_prompt_tokens_count_as_a_wholly_cached_prompt() -> None:
    usage = Usage(prompt_tokens=100, cached_tokens=1_000_000)

    assert cost(PRICE, usage) == cost(PRICE, Usage(prompt_tokens=100, cached_tokens=100))


def test_negative_counts_cost_nothing() -> None:
    usage = Usage(prompt_tokens=-5, cached_tokens=-5, completion_tokens=-5)

    assert cost(PRICE, usage) == 0.0
