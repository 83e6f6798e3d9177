from pathlib import Path

import pytest
from config_texts import KEY_HASH, THREE_TIERS, TWO_TIERS, load_text

from suffice.config import Secret, load, resolved_thresholds
from suffice.errors import ConfigError

WITH_KEY = TWO_TIERS.replace("model: llama-70b", "model: llama-70b\n    api_key_env: LARGE_KEY")


def test_a_file_is_loaded_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "suffice.yaml"
    path.write_text(TWO_TIERS, "utf-8")

    loaded = load(path, {})

    assert loaded.folder == tmp_path.resolve()
    assert [tier.model for tier in loaded.config.tiers] == ["llama-8b", "llama-70b"]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "suffice.yaml"
    path.write_text(TWO_TIERS, "utf-8-sig")

    assert load(path, {}).warnings == ()


@pytest.mark.parametrize("content", [None, b"tiers: \xff\xfe", b""])
def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "suffice.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load(path, {})

    assert [mistake.path for mistake in caught.value.mistakes] == ["(file)"]
    assert str(path) in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {})


def test_secrets_come_from_the_environment_and_show_nowhere() -> None:
    loaded = load_text(WITH_KEY, {"LARGE_KEY": "sesame-open", "OTHER": "unused"})

    assert {name: secret.reveal() for name, secret in loaded.secrets.items()} == {"LARGE_KEY": "sesame-open"}
    assert "sesame" not in repr(loaded)
    assert "sesame" not in f"{loaded.secrets['LARGE_KEY']}"


def test_a_secret_is_not_written_by_accident() -> None:
    secret = Secret("sesame-open")

    assert "sesame" not in str(secret)
    assert "sesame" not in repr([secret])


def test_the_hash_is_that_of_the_content_not_of_its_form() -> None:
    plain = load_text(TWO_TIERS + "server: {port: 1, host: localhost}\ncache: {ttl_s: 5}\n")
    same = load_text("cache: {ttl_s: 5.0}\n# a comment\n" + TWO_TIERS + "server: {host: localhost, port: 0x1}\n")
    other = load_text(TWO_TIERS + "server: {port: 2, host: localhost}\ncache: {ttl_s: 5}\n")

    assert plain.hash == same.hash
    assert plain.hash != other.hash
    assert len(plain.hash) == 12


def test_secrets_do_not_enter_the_hash() -> None:
    key = f"auth: {{keys: [{{name: k, hash: '{KEY_HASH}'}}]}}\n"

    one = load_text(WITH_KEY + key, {"LARGE_KEY": "a"})
    other = load_text(WITH_KEY + key.replace("0", "1"), {"LARGE_KEY": "b"})

    assert one.hash == other.hash


def test_the_first_tier_has_a_threshold_by_default() -> None:
    assert resolved_thresholds(load_text(TWO_TIERS).config) == {"small": 4.0}


def test_a_profile_changes_some_thresholds() -> None:
    config = load_text(
        THREE_TIERS
        + "routing: {max_complexity: {large: 7}}\n"
        + "profiles: {p: {max_complexity: {small: 5}}}\naliases: {a: {profile: p}}\n"
    ).config

    assert resolved_thresholds(config) == {"small": 4.0, "large": 7.0}
    assert resolved_thresholds(config, "p") == {"small": 5.0, "large": 7.0}


def test_one_tier_has_no_threshold() -> None:
    config = load_text(TWO_TIERS[: TWO_TIERS.index("  - name: large")]).config

    assert resolved_thresholds(config) == {}
