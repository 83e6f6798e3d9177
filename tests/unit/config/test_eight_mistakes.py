"""A file with eight different mistakes: all are told at once, each with its path, its value and the way out."""

import pytest
from config_texts import mistakes_in

EIGHT_MISTAKES = """\
tiers:
  - name: small
    model: llama-8b
    base_urls: ["127.0.0.1:8000/v1"]
    price: {input: 0.2, outpput: 0.2}
  - name: large
    model: 70
    base_urls: ["http://127.0.0.1:8001/v1"]
    api_key_env: LARGE_KEY
routing:
  mode: rout
  max_complexity: {smoll: 4.0}
server:
  port: 70000
aliases:
  gpt-4.1: {profile: chat}
"""


def test_eight_mistakes_are_told_at_once() -> None:
    told = mistakes_in(EIGHT_MISTAKES)

    assert [(mistake.path, mistake.value, mistake.line) for mistake in told] == [
        ("tiers[0].base_urls[0]", "127.0.0.1:8000/v1", 4),
        ("tiers[0].price.outpput", 0.2, 5),
        ("tiers[1].model", 70, 7),
        ("tiers[1].api_key_env", "LARGE_KEY", 9),
        ("routing.mode", "rout", 11),
        ("routing.max_complexity.smoll", 4.0, 12),
        ("server.port", 70_000, 14),
        ('aliases["gpt-4.1"].profile', "chat", 16),
    ]


@pytest.mark.parametrize(
    ("path", "way_out"),
    [
        ("tiers[0].base_urls[0]", "write it like http://127.0.0.1:8000/v1"),
        ("tiers[0].price.outpput", "did you mean 'output'?"),
        ("tiers[1].model", "put it in quotes"),
        ("tiers[1].api_key_env", "set LARGE_KEY"),
        ("routing.mode", "must be one of observe, canary, route"),
        ("routing.max_complexity.smoll", "did you mean 'small'?"),
        ("server.port", "from 0 to 65535"),
        ('aliases["gpt-4.1"].profile', "names no profile"),
    ],
)
def test_each_mistake_names_the_way_out(path: str, way_out: str) -> None:
    told = {mistake.path: mistake.remedy for mistake in mistakes_in(EIGHT_MISTAKES)}

    assert way_out in told[path]
