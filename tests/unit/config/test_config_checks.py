import hashlib

import pytest
from config_texts import KEY_HASH, THREE_TIERS, TWO_TIERS, load_text, mistakes_in, only_mistake

from suffice.errors import Mistake

RAISED_BY_A_PROFILE = (
    "routing: {max_complexity: {large: 6}}\nprofiles: {p: {max_complexity: {small: 7}}}\naliases: {a: {profile: p}}"
)
OTHER_HASH = KEY_HASH.replace("0", "f")


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("name: large", "name: small", "tiers[1].name", "tiers[0]"),
        ("name: large", "name: llama-8b", "tiers[1].name", "also names tiers[0]"),
        ("model: llama-70b", "model: llama-8b", "tiers[1].model", "also names tiers[0]"),
        ("model: llama-70b", "model: small", "tiers[1].model", "also names tiers[0]"),
        ("name: small", "name: auto", "tiers[0].name", "to be routed"),
        ("model: llama-8b", "model: auto:cheap", "tiers[0].model", "to be routed"),
        ("model: llama-8b", "model: ''", "tiers[0].model", "is empty"),
        ('["http://127.0.0.1:8000/v1"]', "[]", "tiers[0].base_urls", "missing or empty"),
        ("model: llama-8b", "model: m\n    tape: {model: smollm2-135m}", "tiers[0].tape", "beside base_urls"),
        ("http://127.0.0.1:8000/v1", "127.0.0.1:8000/v1", "tiers[0].base_urls[0]", "http://"),
        ("http://127.0.0.1:8000/v1", "ftp://host/v1", "tiers[0].base_urls[0]", "http://"),
        ("http://127.0.0.1:8000/v1", "http:///v1", "tiers[0].base_urls[0]", "no host"),
        ("http://127.0.0.1:8000/v1", "http://h:99999/v1", "tiers[0].base_urls[0]", "no URL"),
        ("http://127.0.0.1:8000/v1", "http://[::1/v1", "tiers[0].base_urls[0]", "no URL"),
        ("http://127.0.0.1:8000/v1", "http://h/v1?key=1", "tiers[0].base_urls[0]", "'?'"),
        ("http://127.0.0.1:8000/v1", "http://h /v1", "tiers[0].base_urls[0]", "blanks"),
        ("http://127.0.0.1:8000/v1", "http://h/v1/chat/completions", "tiers[0].base_urls[0]", "/v1"),
        ("http://127.0.0.1:8000/v1", "http://localhost:8080/v1", "tiers[0].base_urls[0]", "this gateway itself"),
    ],
)
def test_a_wrong_tier_is_told(old: str, new: str, path: str, words: str) -> None:
    mistake = only_mistake(TWO_TIERS.replace(old, new))

    assert mistake.path == path
    assert words in mistake.remedy


def test_a_tape_that_was_not_recorded_is_told() -> None:
    text = TWO_TIERS.replace('base_urls: ["http://127.0.0.1:8000/v1"]', "tape: {model: smollm2-136m}")

    mistake = only_mistake(text)

    assert (mistake.path, mistake.value) == ("tiers[0].tape.model", "smollm2-136m")
    assert "did you mean 'smollm2-135m'?" in mistake.remedy


def test_no_tier_at_all_is_told() -> None:
    assert only_mistake("tiers: []").path == "tiers"


@pytest.mark.parametrize(
    ("tiers", "section", "path", "words"),
    [
        (TWO_TIERS, "routing: {max_complexity: {smoll: 3}}", "routing.max_complexity.smoll", "did you mean 'small'?"),
        (TWO_TIERS, "routing: {max_complexity: {large: 9}}", "routing.max_complexity.large", "top tier"),
        (TWO_TIERS, "routing: {max_complexity: {small: 10}}", "routing.max_complexity.small", "out of reach"),
        (THREE_TIERS, "routing: {max_complexity: {small: 3}}", "routing.max_complexity.large", "is missing"),
        (
            THREE_TIERS,
            "scorer: {kind: length}\nrouting: {max_complexity: {large: 3}}",
            "routing.max_complexity.large",
            "the 4 of 'small'",
        ),
        (THREE_TIERS, "routing: {max_complexity: {small: 5, large: 5}}", "routing.max_complexity.large", "not above"),
        (THREE_TIERS, "routing: {max_complexity: {small: 5, large: 10}}", "routing.max_complexity.large", "'huge'"),
        (
            THREE_TIERS,
            RAISED_BY_A_PROFILE,
            "profiles.p.max_complexity.large",
            "6 is not above the 7",
        ),
        (
            TWO_TIERS,
            "profiles: {p: {max_complexity: {tiny: 7}}}\naliases: {a: {profile: p}}",
            "profiles.p.max_complexity.tiny",
            "names no tier",
        ),
    ],
)
def test_a_threshold_that_no_request_can_meet_is_told(tiers: str, section: str, path: str, words: str) -> None:
    mistake = only_mistake(f"{tiers}{section}\n")

    assert mistake.path == path
    assert words in mistake.remedy


@pytest.mark.parametrize(
    ("section", "path", "words"),
    [
        ("aliases: {a: {tier: laarge}}", "aliases.a.tier", "did you mean 'large'?"),
        ("aliases: {a: {profile: chat}}", "aliases.a.profile", "there are none"),
        ("aliases: {a: {}}", "aliases.a.tier", "or `profile`"),
        ("profiles: {p: }\naliases: {a: {tier: small, profile: p}}", "aliases.a", "both"),
        ("profiles: {p: }\naliases: {a: {model: lora, profile: p}}", "aliases.a.model", "needs `tier`"),
        ("aliases: {a: {tier: small, model: ''}}", "aliases.a.model", "is empty"),
        ("aliases: {small: {tier: large}}", "aliases.small", "hides the tier"),
        ("aliases: {auto: {tier: large}}", "aliases.auto", "ask for routing"),
        ("aliases: {'auto@3': {tier: large}}", 'aliases["auto@3"]', "ask for routing"),
        ("aliases: {'': {tier: large}}", 'aliases[""]', "is an empty name"),
        (f"auth: {{keys: [{{name: k, hash: '{KEY_HASH}', profile: p}}]}}", "auth.keys[0].profile", "names no profile"),
        (f"auth: {{keys: [{{name: ' ', hash: '{KEY_HASH}'}}]}}", "auth.keys[0].name", "is empty"),
        (
            f"auth: {{keys: [{{name: k, hash: '{KEY_HASH}'}}, {{name: k, hash: '{OTHER_HASH}'}}]}}",
            "auth.keys[1].name",
            "auth.keys[0]",
        ),
        (
            f"auth: {{keys: [{{name: k, hash: '{KEY_HASH}'}}, {{name: l, hash: '{KEY_HASH}'}}]}}",
            "auth.keys[1].hash",
            "auth.keys[0]",
        ),
        (
            f"auth: {{keys: [{{name: k, hash: 'sha256:{hashlib.sha256(b'').hexdigest()}'}}]}}",
            "auth.keys[0].hash",
            "empty key",
        ),
        ("server: {host: 0.0.0.0}", "server.host", "--allow-open"),
        ("server: {host: '::'}", "server.host", "add a key"),
        ("server: {host: gateway.example}", "server.host", "add a key"),
        ("server: {host: ''}", "server.host", "no address"),
        ("server: {host: 'http://127.0.0.1'}", "server.host", "no address"),
        ("passthrough: {/v1/models: {base_url: 'http://h:1/v1'}}", 'passthrough["/v1/models"]', "gateway itself"),
        ("passthrough: {/admin/x: {base_url: 'http://h:1/v1'}}", 'passthrough["/admin/x"]', "gateway itself"),
        ("passthrough: {v1/e: {base_url: 'http://h:1/v1'}}", 'passthrough["v1/e"]', "plain path"),
        ("passthrough: {/v1/../e: {base_url: 'http://h:1/v1'}}", 'passthrough["/v1/../e"]', "plain path"),
        ("passthrough: {/v1/e: {base_url: 'h:1/v1'}}", 'passthrough["/v1/e"].base_url', "http://"),
    ],
)
def test_a_reference_or_an_exposure_that_is_wrong_is_told(section: str, path: str, words: str) -> None:
    mistake = only_mistake(f"{TWO_TIERS}{section}\n")

    assert mistake.path == path
    assert words in mistake.remedy


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    assert load_text(f"{TWO_TIERS}server: {{host: '{host}'}}\n").config.server.host == host


def test_beyond_loopback_a_key_is_enough() -> None:
    text = f"{TWO_TIERS}server: {{host: 0.0.0.0}}\nauth: {{keys: [{{name: k, hash: '{KEY_HASH}'}}]}}\n"

    assert load_text(text).config.server.host == "0.0.0.0"


def test_beyond_loopback_without_keys_must_be_said_aloud() -> None:
    loaded = load_text(f"{TWO_TIERS}server: {{host: 0.0.0.0}}\n", allow_open=True)

    assert loaded.config.auth.keys == ()


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "is not set"),
        ({"LARGE_KEY": ""}, "empty"),
        ({"LARGE_KEY": "abc\n"}, "line breaks"),
        ({"LARGE_KEY": "clé"}, "no HTTP header can carry"),
    ],
)
def test_a_variable_without_a_usable_key_is_told(environ: dict[str, str], words: str) -> None:
    text = TWO_TIERS.replace("model: llama-70b", "model: llama-70b\n    api_key_env: LARGE_KEY")

    mistake = only_mistake(text, environ)

    assert (mistake.path, mistake.value) == ("tiers[1].api_key_env", "LARGE_KEY")
    assert words in mistake.remedy


def test_the_key_of_a_passed_path_is_looked_for_too() -> None:
    text = TWO_TIERS + "passthrough: {/v1/e: {base_url: 'http://h:1/v1', api_key_env: E_KEY}}\n"

    assert only_mistake(text).path == 'passthrough["/v1/e"].api_key_env'
    assert load_text(text, {"E_KEY": "k"}).secrets["E_KEY"].reveal() == "k"


@pytest.mark.parametrize(
    "text",
    [
        TWO_TIERS.replace("model: llama-70b", "model: m\n    api_key_env: sk-very-secret"),
        TWO_TIERS.replace("model: llama-70b", "model: m\n    api_key: very-secret"),
        TWO_TIERS.replace("http://127.0.0.1:8001/v1", "http://me:very-secret@host/v1"),
        TWO_TIERS + "auth: {keys: [{name: k, hash: sk-suffice-very-secret}]}\n",
        TWO_TIERS + "auth: {keys: [{name: k, key: very-secret}]}\n",
        TWO_TIERS + "headers: {authorization: very-secret}\n",
        TWO_TIERS + "note: [use hf_very-secret-token]\n",
    ],
)
def test_no_mistake_shows_a_secret(text: str) -> None:
    mistakes = mistakes_in(text, {"sk-very-secret": "x"})

    assert mistakes
    assert not any("very-secret" in str(mistake) for mistake in mistakes)


def warnings_of(text: str) -> list[Mistake]:
    return list(load_text(text).warnings)


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        (TWO_TIERS[: TWO_TIERS.index("  - name: large")], "tiers", "one tier only"),
        (TWO_TIERS.replace("input: 1.75", "input: 0.1"), "tiers[1].price.input", "less than the 0.2"),
        (TWO_TIERS.replace("output: 1.75", "output: 0.1"), "tiers[1].price.output", "less than the 0.2"),
        (
            TWO_TIERS.replace("output: 1.75", "output: 1.75, cached_input: 9"),
            "tiers[1].price.cached_input",
            "other input",
        ),
        (
            TWO_TIERS.replace("    price: {input: 0.2, output: 0.2}\n", "").replace("1.75", "0"),
            "tiers",
            "hold no price",
        ),
        (TWO_TIERS.replace(":8000/v1", ":8000"), "tiers[0].base_urls[0]", "/v1"),
        (
            TWO_TIERS.replace("8000/v1", '8000/v1", "http://127.0.0.1:8000/v1'),
            "tiers[0].base_urls[1]",
            "stands twice",
        ),
        (
            TWO_TIERS.replace("model: llama-8b", "model: m\n    context_tokens: 8192").replace(
                "model: llama-70b", "model: n\n    context_tokens: 4096"
            ),
            "tiers[1].context_tokens",
            "smaller than the 8192",
        ),
        (TWO_TIERS + "profiles: {p: }\n", "profiles.p", "chosen by no key"),
        (TWO_TIERS + "auth: {open_metrics: false}\n", "auth.open_metrics", "nobody can read"),
        (TWO_TIERS + "routing: {mode: canary, canary_percent: 0}\n", "routing.canary_percent", "nothing is routed"),
    ],
)
def test_what_is_allowed_but_odd_is_a_warning(text: str, path: str, words: str) -> None:
    warnings = warnings_of(text)

    assert [warning.path for warning in warnings] == [path]
    assert words in warnings[0].remedy
