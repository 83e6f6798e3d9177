"""Orders to the loopback upstream."""

import pytest

from suffice.testing.loopback.directives import Behaviour, parse_directives


def behave(text: str, *, names: tuple[str, ...] = ("m",), n_seen: int = 0) -> Behaviour:
    return Behaviour(parse_directives(text), names=names, n_seen=lambda: n_seen)


def test_lines_that_begin_with_a_verb_are_orders_and_others_are_text() -> None:
    behaviour = behave("Hello\n!cut 3\n!important note\nnot !hang")

    assert behaviour.count("cut") == 3
    assert "hang" not in behaviour


def test_an_order_for_another_server_is_not_for_this_one() -> None:
    text = "!status 500 on other"

    assert behave(text).count("status") is None
    assert behave(text, names=("m", "other")).count("status") == 500


@pytest.mark.parametrize(("n_seen", "ordered"), [(0, True), (1, True), (2, False)])
def test_an_order_for_the_first_two_requests_ends_with_the_second(n_seen: int, ordered: bool) -> None:  # noqa: FBT001 - a parameter of the test
    behaviour = behave("!drop on m first 2", n_seen=n_seen)

    assert ("drop" in behaviour) is ordered


def test_the_later_of_two_orders_with_one_verb_wins() -> None:
    behaviour = behave("!words 3\n!words 5")

    assert behaviour.count("words") == 5


def test_what_is_said_keeps_words_that_look_like_limits() -> None:
    behaviour = behave("!say come on time first 1")

    assert behaviour.text("say") == "come on time first 1"
