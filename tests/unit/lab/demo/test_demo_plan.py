from typing import Any

import pytest

from suffice.errors import ConfigError
from suffice.lab.demo.plan import PRICES_USD_PER_MILLION, DemoPlan, LiveServer

HERE = LiveServer(url="http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"rate": 0.0}, "--rate"),
        ({"rate": -1.0}, "--rate"),
        ({"rate": float("nan")}, "--rate"),
        ({"rate": float("inf")}, "--rate"),
        ({"speedup": 0.0}, "--speedup"),
        ({"slots": 0}, "--slots"),
        ({"slots": 5000}, "--slots"),
        ({"window_s": 0.0}, "--window"),
        ({"seed": -1}, "--seed"),
        ({"limit": 0}, "--limit"),
        ({"live": (HERE, HERE), "speedup": 2.0}, "--speedup"),
        ({"live": (LiveServer(url="localhost:8000"), HERE), "speedup": 1.0}, "--small"),
        ({"live": (HERE, LiveServer(url="ftp://host")), "speedup": 1.0}, "--large"),
    ],
)
def test_an_option_out_of_range_is_named(options: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DemoPlan(**options)

    assert [mistake.path for mistake in caught.value.mistakes] == [path]


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(ConfigError, match="3 mistakes in the command line"):
        DemoPlan(rate=-1.0, slots=0, limit=0)


@pytest.mark.parametrize(
    ("url", "base_url"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        ("https://host/openai/v2", "https://host/openai/v2"),
    ],
)
def test_a_bare_host_gets_the_usual_path(url: str, base_url: str) -> None:
    assert LiveServer(url=url).base_url == base_url


def test_prices_stand_as_8b_to_70b() -> None:
    assert PRICES_USD_PER_MILLION["large"] / PRICES_USD_PER_MILLION["small"] == pytest.approx(70 / 8)


def test_the_closed_loop_has_twice_as_many_clients_as_a_tier_has_slots() -> None:
    assert DemoPlan(slots=5).concurrency == 10
