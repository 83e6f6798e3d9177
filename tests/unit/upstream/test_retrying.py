from fake_replicas import FakeTime

from suffice.upstream.config import RetryBudgetConfig
from suffice.upstream.retrying import SAVED_S, RetryBudget


def n_allowed(budget: RetryBudget, n_calls: int) -> int:
    return next(n for n in range(10_000) if not budget.take(n_calls))


def test_calls_pay_for_a_share_of_their_number() -> None:
    budget = RetryBudget(RetryBudgetConfig(share=0.25, min_per_s=1.0), FakeTime().clock)
    n_allowed(budget, 0)

    assert n_allowed(budget, 20) == 5


def test_some_are_allowed_each_second_and_saved_up_for_a_while() -> None:
    time = FakeTime()
    budget = RetryBudget(RetryBudgetConfig(share=0.0, min_per_s=2.0), time.clock)

    at_first = n_allowed(budget, 0)
    time.now += 3.0
    after_three_seconds = n_allowed(budget, 0)
    time.now += 1_000.0
    after_long = n_allowed(budget, 0)

    assert (at_first, after_three_seconds, after_long) == (2.0 * SAVED_S, 6, 2.0 * SAVED_S)


def test_without_a_minimum_only_calls_pay() -> None:
    budget = RetryBudget(RetryBudgetConfig(share=0.5, min_per_s=0.0), FakeTime().clock)

    assert not budget.take(1)
    assert budget.take(2)
    assert budget.n_denied == 1


def test_looking_at_the_balance_takes_nothing() -> None:
    budget = RetryBudget(RetryBudgetConfig(share=0.5, min_per_s=1.0), FakeTime().clock)

    assert budget.balance(0) == budget.balance(0) == SAVED_S
