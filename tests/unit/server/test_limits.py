import pytest

from suffice.errors import OverloadedError, ShuttingDownError
from suffice.server.limits import RETRY_AFTER_S, Turnstile
from suffice.vocabulary import Priority


def test_requests_come_in_up_to_the_limit() -> None:
    turnstile = Turnstile(limit=2)
    turnstile.enter()
    turnstile.enter()

    with pytest.raises(OverloadedError, match="2 requests are running") as caught:
        turnstile.enter()

    assert turnstile.n_inside == 2
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
        turnstile.enter(None, priority)
    else:
        with pytest.raises(OverloadedError, match=f"{n_others} requests are running"):
            turnstile.enter(None, priority)

    assert turnstile.n_inside == n_others + comes_in


def test_a_place_is_free_again_for_the_next_one() -> None:
    turnstile = Turnstile(limit=1, profile_limits={"team": 1})

    for _ in range(3):
        turnstile.enter("team")
        assert turnstile.n_inside == 1
        turnstile.leave("team")

    assert turnstile.n_inside == 0


def test_a_profile_has_a_limit_of_its_own() -> None:
    turnstile = Turnstile(limit=10, profile_limits={"batch": 1})
    inside = ("batch", "chat", "chat", None)

    for profile in inside:
        turnstile.enter(profile)
    with pytest.raises(OverloadedError, match="1 requests of profile 'batch'"):
        turnstile.enter("batch")
    for profile in inside:
        turnstile.leave(profile)

    assert turnstile.n_inside == 0
    turnstile.enter("batch")


def test_who_is_turned_away_takes_no_place() -> None:
    turnstile = Turnstile(limit=10, profile_limits={"batch": 0})

    for _ in range(20):
        with pytest.raises(OverloadedError):
            turnstile.enter("batch")

    assert turnstile.n_inside == 0


def test_a_closing_gateway_lets_nobody_in_and_everybody_out() -> None:
    turnstile = Turnstile(limit=2)
    turnstile.enter()

    turnstile.is_closing = True
    with pytest.raises(ShuttingDownError):
        turnstile.enter()
    turnstile.leave()

    assert turnstile.n_inside == 0
