from contextlib import ExitStack

import pytest

from suffice.errors import OverloadedError, ShuttingDownError
from suffice.server.limits import RETRY_AFTER_S, Turnstile
from suffice.vocabulary import Priority


def test_requests_come_in_up_to_the_limit() -> None:
    turnstile = Turnstile(limit=2)

    with turnstile.enter(), turnstile.enter():
        n_inside = turnstile.n_inside
        with pytest.raises(OverloadedError, match="2 requests are running") as caught, turnstile.enter():
            pytest.fail("there is no place")

    assert n_inside == 2
    assert caught.value.retry_after_s == RETRY_AFTER_S


@pytest.mark.parametrize(
    ("priority", "n_others", "comes_in"),
    [
        (Priority.LOW, 79, True),
        (Priority.LOW, 80, False),
        (Priority.NORMAL, 94, True),
        (Priority.NORMAL, 95, False),
        (Priority.HIGH, 99, True),
        (Priority.HIGH, 100, False),
    ],
)
def test_the_less_important_a_request_the_sooner_it_is_shed(
    priority: Priority, n_others: int, *, comes_in: bool
) -> None:
    turnstile = Turnstile(limit=100, n_inside=n_others)

    if comes_in:
        with turnstile.enter(None, priority):
            assert turnstile.n_inside == n_others + 1
    else:
        with pytest.raises(OverloadedError, match=f"{n_others} requests are running"), turnstile.enter(None, priority):
            pytest.fail("there is no place")

    assert turnstile.n_inside == n_others


def test_a_place_is_free_again_after_an_error() -> None:
    turnstile = Turnstile(limit=1)

    with pytest.raises(KeyError), turnstile.enter("team"):
        raise KeyError

    assert turnstile.n_inside == 0
    with turnstile.enter("team"):
        assert turnstile.n_inside == 1


def test_a_profile_has_a_limit_of_its_own() -> None:
    turnstile = Turnstile(limit=10, profile_limits={"batch": 1})

    with ExitStack() as stack:
        for profile in ("batch", "chat", "chat", None):
            stack.enter_context(turnstile.enter(profile))
        with pytest.raises(OverloadedError, match="1 requests of profile 'batch'"), turnstile.enter("batch"):
            pytest.fail("there is no place")

    assert turnstile.n_inside == 0


def test_who_is_turned_away_takes_no_place() -> None:
    turnstile = Turnstile(limit=10, profile_limits={"batch": 0})

    for _ in range(20):
        with pytest.raises(OverloadedError), turnstile.enter("batch"):
            pytest.fail("there is no place")

    assert turnstile.n_inside == 0


def test_a_closing_gateway_lets_nobody_in_and_everybody_out() -> None:
    turnstile = Turnstile(limit=2)

    with turnstile.enter():
        turnstile.is_closing = True
        with pytest.raises(ShuttingDownError), turnstile.enter():
            pytest.fail("it is closing")

    assert turnstile.n_inside == 0
