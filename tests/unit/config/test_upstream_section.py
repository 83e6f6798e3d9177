import pytest
from config_texts import TWO_TIERS, load_text, only_mistake

from suffice.upstream.config import (
    AffinityConfig,
    ChecksConfig,
    EjectionConfig,
    QueueConfig,
    RetryBudgetConfig,
    UpstreamConfig,
)

EVERYTHING = """\
upstream:
  hedge_after_s: 2
  retry_budget: {share: 0.1, min_per_s: 1}
  affinity: {enabled: false, max_load: 2}
  ejection: {after: 5, base_s: 1, max_s: 10, max_share: 0.3}
  checks: {path: /health, interval_s: 1, timeout_s: 1, after: 3}
"""


def test_every_setting_of_the_replicas_can_be_given() -> None:
    config = load_text(TWO_TIERS + EVERYTHING).config.upstream

    assert config == UpstreamConfig(
        hedge_after_s=2.0,
        retry_budget=RetryBudgetConfig(share=0.1, min_per_s=1.0),
        affinity=AffinityConfig(enabled=False, max_load=2.0),
        ejection=EjectionConfig(after=5, base_s=1.0, max_s=10.0, max_share=0.3),
        checks=ChecksConfig(path="/health", interval_s=1.0, timeout_s=1.0, after=3),
    )


def test_what_is_safe_is_on_and_what_is_not_is_off() -> None:
    config = load_text(TWO_TIERS).config

    assert config.upstream.checks.path == "models"
    assert config.upstream.affinity.enabled
    assert config.upstream.hedge_after_s is None
    assert [tier.slots for tier in config.tiers] == [None, None]


def test_a_tier_has_slots_and_a_queue() -> None:
    text = TWO_TIERS.replace(
        "    model: llama-8b\n", "    model: llama-8b\n    slots: 8\n    queue: {max_waiting: 5}\n"
    )

    tier = load_text(text).config.tiers[0]

    assert (tier.slots, tier.queue) == (8, QueueConfig(max_waiting=5, timeout_s=10.0))


@pytest.mark.parametrize("path", ["http://elsewhere/health", "//elsewhere/health", "/health?deep=1", "", "a b", "/"])
def test_checks_ask_the_replica_itself_and_nobody_else(path: str) -> None:
    assert only_mistake(f"{TWO_TIERS}upstream: {{checks: {{path: '{path}'}}}}\n").path == "upstream.checks.path"


def test_checks_can_be_turned_off() -> None:
    assert load_text(f"{TWO_TIERS}upstream: {{checks: {{path: null}}}}\n").config.upstream.checks.path is None


def test_slots_beside_a_tape_are_warned_of() -> None:
    text = TWO_TIERS.replace(
        '    base_urls: ["http://127.0.0.1:8000/v1"]\n', "    slots: 4\n    tape: {model: qwen2.5-coder-0.5b}\n"
    )

    assert [warning.path for warning in load_text(text).warnings] == ["tiers[0].slots"]
