import hashlib
import json
from pathlib import Path

import pytest
from command_runs import Runner

from suffice.config import parse
from suffice.server.config import KeyConfig

TIERS = "tiers: [{name: a, model: m, base_urls: ['http://127.0.0.1:1/v1']}]\n"


def test_a_key_is_long_random_and_known_by_its_hash(run: Runner) -> None:
    made = json.loads(run("key", "chat", "--json").out)

    assert made["key"].startswith("sk-suffice-")
    assert len(made["key"]) == len("sk-suffice-") + 43
    assert made["hash"] == "sha256:" + hashlib.sha256(made["key"].encode()).hexdigest()


def test_no_two_keys_are_the_same(run: Runner) -> None:
    keys = {json.loads(run("key", "chat", "--json").out)["key"] for _ in range(5)}

    assert len(keys) == 5


@pytest.mark.parametrize("name", ["chat", "R&D: team #1", "yes", '"quoted" \\ 東京', "- x"])
def test_the_lines_can_be_pasted_into_the_file(run: Runner, name: str) -> None:
    said = run("key", "--admin", "--", name).out

    config = parse(TIERS + said[said.index("auth:") :], {}, folder=Path()).config

    key = said.split()[0]
    hashed = "sha256:" + hashlib.sha256(key.encode()).hexdigest()
    assert config.auth.keys == (KeyConfig(name=name, hash=hashed, admin=True),)


def test_the_key_is_said_once_and_never_in_the_lines(run: Runner) -> None:
    said = run("key", "chat", "--profile", "support").out

    key = said.split()[0]
    assert said.count(key) == 1
    assert 'profile: "support"' in said


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[31m"])
def test_a_name_that_cannot_be_shown_is_refused(run: Runner, name: str) -> None:
    assert run("key", name).code == 2
