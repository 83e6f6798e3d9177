import pytest
from config_texts import TWO_TIERS, load_text, mistakes_in, only_mistake

from suffice.vocabulary import Mode


def test_a_file_with_two_tiers_is_enough() -> None:
    loaded = load_text(TWO_TIERS)

    assert [tier.name for tier in loaded.config.tiers] == ["small", "large"]
    assert loaded.config.routing.mode is Mode.OBSERVE
    assert loaded.warnings == ()


def test_sections_hold_what_the_file_says() -> None:
    loaded = load_text(
        TWO_TIERS
        + "routing: {mode: canary, canary_percent: 10, max_complexity: {small: 3}}\n"
        + "scorer: {kind: length, simple: [Hi, Bye]}\n"
        + "profiles: {chat: {mode: route, recording: {content: true}}}\n"
        + "aliases: {gpt-4: {profile: chat}}\n"
    )

    config = loaded.config
    assert config.routing.mode is Mode.CANARY
    assert config.routing.max_complexity == {"small": 3.0}
    assert config.scorer.simple == ("Hi", "Bye")
    assert config.profiles["chat"].recording.content is True
    assert config.aliases["gpt-4"].profile == "chat"


@pytest.mark.parametrize("section", ["auth", "auth:\n  keys", "profiles", "passthrough", "routing"])
def test_a_section_with_everything_commented_out_is_the_default(section: str) -> None:
    loaded = load_text(f"{TWO_TIERS}{section}:\n  # nothing here\n")

    assert loaded.config == load_text(TWO_TIERS).config


@pytest.mark.parametrize(
    ("line", "path", "value", "words"),
    [
        ("server: {port: '80'}", "server.port", "80", "a whole number from 0 to 65535, not a text"),
        ("server: {port: 80.5}", "server.port", 80.5, "not a fraction"),
        ("server: {port: 70000}", "server.port", 70_000, "from 0 to 65535"),
        ("server: {total_timeout_s: .inf}", "server.total_timeout_s", float("inf"), "finite"),
        ("server: {idle_timeout_s: 0}", "server.idle_timeout_s", 0, "a number above 0"),
        ("server: {max_headers: true}", "server.max_headers", True, "not true or false"),
        ("server: {port: !!int eighty}", "server.port", None, "without a tag"),
        ("server: {port: 1, port: 2}", "server.port", 1, "stands twice"),
        ("cache: {enabled: yes}", "cache.enabled", "yes", "must be true or false"),
        ("cache: []", "cache", [], "a mapping with keys such as 'enabled: …', not a list"),
        ("cache: {max_bytes: }", "cache.max_bytes", None, "not nothing"),
        ("recording: {path: 5}", "recording.path", 5, "put it in quotes"),
        ("routing: {mode: routed}", "routing.mode", "routed", "did you mean 'route'?"),
        ("routing: {mode: 3}", "routing.mode", 3, "one of observe, canary, route"),
        ("routing: {max_complexity: 4.0}", "routing.max_complexity", 4.0, "must be a mapping"),
        (
            "routing: {max_complexity: {small: high}}",
            "routing.max_complexity.small",
            "high",
            "from 0 to 10, not a text",
        ),
        ("scorer: {form: raw}", "scorer.form", "raw", "one of rescaled, report"),
        ("scorer: {simple: Hi}", "scorer.simple", "Hi", "must be a list"),
        ("scorer: {simple: [Hi, 5]}", "scorer.simple[1]", 5, "put it in quotes"),
        ("upstream: {retries: 11}", "upstream.retries", 11, "from 0 to 10"),
        ("passthrough: {/v1/e: }", 'passthrough["/v1/e"].base_url', None, "is missing"),
        ("recoding: {content: true}", "recoding", {"content": True}, "did you mean 'recording'?"),
        ("zebra: 1", "zebra", 1, "known are tiers, routing"),
        ("routing: {escalation_memory: {repeat: 3}}", "routing.escalation_memory.repeat", 3, "'repeats'"),
    ],
)
def test_a_value_that_cannot_stand_there_is_told_with_path_value_and_remedy(
    line: str, path: str, value: object, words: str
) -> None:
    mistake = only_mistake(TWO_TIERS + line + "\n")

    assert (mistake.path, mistake.value) == (path, value)
    assert words in mistake.remedy
    assert mistake.line == 10


def test_an_optional_value_may_be_left_empty() -> None:
    tier = "    tape:\n    context_tokens:\n    api_key_env: ~\n"

    loaded = load_text(TWO_TIERS.replace("    model: llama-8b\n", "    model: llama-8b\n" + tier))

    assert loaded.config == load_text(TWO_TIERS).config


def test_a_missing_key_is_told_at_the_section_that_lacks_it() -> None:
    mistake = only_mistake(TWO_TIERS.replace("    model: llama-8b\n", ""))

    assert (mistake.path, mistake.value, mistake.line) == ("tiers[0].model", None, 2)
    assert mistake.remedy == "is missing; give a text"


def test_a_misspelt_key_is_not_told_as_missing_too() -> None:
    mistake = only_mistake(TWO_TIERS.replace("    model: llama-8b", "    modeel: llama-8b"))

    assert mistake.path == "tiers[0].modeel"


def test_missing_tiers_are_told() -> None:
    mistake = only_mistake("server: {port: 1}\n")

    assert (mistake.path, mistake.remedy) == ("tiers", "is missing; give a list")


def test_an_item_that_is_no_mapping_does_not_hide_the_others() -> None:
    mistakes = mistakes_in(TWO_TIERS.replace("tiers:\n", "tiers:\n  - 5\n").replace("llama-70b", "70"))

    assert [mistake.path for mistake in mistakes] == ["tiers[0]", "tiers[2].model"]


def test_a_broken_tier_name_raises_no_mistakes_elsewhere() -> None:
    mistake = only_mistake(
        TWO_TIERS.replace("name: small", "name: Small!") + "routing: {max_complexity: {Small!: 3}}\n"
    )

    assert mistake.path == "tiers[0].name"
    assert "of the form" in mistake.remedy


def test_a_broken_profile_is_still_known_by_its_name() -> None:
    mistake = only_mistake(TWO_TIERS + "profiles: {chat: 5}\naliases: {gpt-4: {profile: chat}}\n")

    assert mistake.path == "profiles.chat"
