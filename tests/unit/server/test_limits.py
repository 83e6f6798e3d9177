from contextlib import ExitStack

import pytest

from suffice.errors import OverloadedError, ShuttingDownError
from suffice.server.limits import RETRY_AFTER_S, Turnstile


def test_requests_come_in_up_to_the_limit() -> None:
    turnstile = Turnstile(limit=2)

    with turnstile.enter(), turnstile.enter():
        n_inside = turnstile.n_inside
        with pytest.raises(OverloadedError, match="2 requests are running") as caught, turnstile.enter():
            pytest.fail("there is no place")

    assert n_inside == 2
    assert caught.value.retry_after_s == RETRY_AFTER_S


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
