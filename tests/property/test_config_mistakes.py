"""Any mistakes in one file: each is told, and nothing else is."""

import copy
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from suffice.config import parse
from suffice.errors import ConfigError

Tree = dict[str, Any]

SOUND: Tree = {
    "tiers": [
        {"name": "small", "model": "m-1", "base_urls": ["http://127.0.0.1:8000/v1"], "price": {"input": 1}},
        {"name": "large", "model": "m-2", "base_urls": ["http://127.0.0.1:8001/v1"], "price": {"input": 2}},
    ],
    "routing": {"mode": "route", "max_complexity": {"small": 4}},
    "scorer": {"kind": "length"},
    "cache": {"ttl_s": 60},
    "server": {"host": "127.0.0.1", "port": 8080},
    "auth": {"keys": [{"name": "one", "hash": "sha256:" + "a" * 64}]},
    "passthrough": {"/v1/embeddings": {"base_url": "http://127.0.0.1:8100/v1"}},
    "profiles": {"chat": {"mode": "observe"}},
    "aliases": {"gpt-4": {"profile": "chat"}},
}


def put(*path: str | int, value: object) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        place: Any = tree
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def take(*path: str | int) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        place: Any = tree
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


SEEDED: dict[str, Callable[[Tree], None]] = {
    "tiers[0].model": put("tiers", 0, "model", value=8),
    "tiers[1].model": take("tiers", 1, "model"),
    "tiers[0].base_urls[0]": put("tiers", 0, "base_urls", 0, value="localhost"),
    "tiers[1].api_key_env": put("tiers", 1, "api_key_env", value="NOT_SET"),
    "tiers[0].price.input": put("tiers", 0, "price", "input", value=-1),
    "tiers[1].supports.vision": put("tiers", 1, "supports", value={"vision": True}),
    "routing.mode": put("routing", "mode", value="on"),
    "routing.max_complexity.tiny": put("routing", "max_complexity", "tiny", value=2),
    "routing.max_complexity.large": put("routing", "max_complexity", "large", value=9),
    "routing.turn_decay": put("routing", "turn_decay", value=2),
    "routing.accept_generic_bundle": put("routing", "accept_generic_bundle", value="yes"),
    "scorer.kind": put("scorer", "kind", value="magic"),
    "scorer.reload_s": put("scorer", "reload_s", value=-1),
    "cache.ttl_s": put("cache", "ttl_s", value=".inf text"),
    "server.port": put("server", "port", value="8080"),
    "server.host": put("server", "host", value="http://0.0.0.0"),
    "auth.keys[0].hash": put("auth", "keys", 0, "hash", value="plain"),
    "auth.keys[0].profile": put("auth", "keys", 0, "profile", value="nobody"),
    "auth.keys[1].hash": lambda tree: tree["auth"]["keys"].append({"name": "two"}),
    'passthrough["/v1/chat/completions"]': put(
        "passthrough", "/v1/chat/completions", value={"base_url": "http://127.0.0.1:8100/v1"}
    ),
    "profiles.chat.limits.max_messages": put("profiles", "chat", "limits", value={"max_messages": 0}),
    "aliases.gpt-5.tier": put("aliases", "gpt-5", value={"tier": "enormous"}),
    "aliases.small": put("aliases", "small", value={"tier": "large"}),
    "upstream": put("upstream", value=[1]),
    "zebra": put("zebra", value={"stripes": 1}),
}


def test_the_seedless_file_is_sound() -> None:
    loaded = parse(yaml.safe_dump(SOUND), {}, folder=Path())

    assert loaded.warnings == ()


@given(st.sets(st.sampled_from(sorted(SEEDED)), min_size=1))
def test_any_set_of_mistakes_is_told_fully_and_nothing_else(seeds: set[str]) -> None:
    tree = copy.deepcopy(SOUND)
    for seed in sorted(seeds):
        SEEDED[seed](tree)

    with pytest.raises(ConfigError) as caught:
        parse(yaml.safe_dump(tree), {}, folder=Path())

    mistakes = caught.value.mistakes
    assert {mistake.path for mistake in mistakes} == seeds
    assert len(mistakes) == len(seeds)
    assert all(mistake.remedy and mistake.line for mistake in mistakes)


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_no_text_at_all_makes_the_reader_fall(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text, {}, folder=Path())


REFERRING: dict[str, tuple[str, ...]] = defaultdict(
    tuple[str, ...], tiers=("routing.", "profiles.", "aliases."), profiles=("auth.", "aliases.")
)
"""Where else mistakes are told once a section is changed."""


def told_paths(text: str) -> list[str]:
    try:
        parse(text, {}, folder=Path())
    except ConfigError as error:
        return [mistake.path for mistake in error.mistakes]
    return []


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([*SOUND, "escalation", "recording", "upstream"]), _VALUES)
def test_any_value_in_any_section_is_either_taken_or_told(section: str, value: object) -> None:
    tree = {**copy.deepcopy(SOUND), section: value}

    paths = told_paths(yaml.safe_dump(tree))

    assert all(path.startswith((section, "(file)", *REFERRING[section])) for path in paths)
