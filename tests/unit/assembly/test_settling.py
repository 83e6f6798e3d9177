from dataclasses import replace
from pathlib import Path

import pytest

from suffice.assembly.settling import settle
from suffice.config import Config, Loaded, parse
from suffice.errors import ConflictError

HASH = "sha256:" + "0" * 64
TEXT = """
tiers:
  - {name: small, model: m, base_urls: ["http://127.0.0.1:1/v1"], price: {input: 1, output: 1}}
  - {name: large, model: n, base_urls: ["http://127.0.0.1:2/v1"], price: {input: 2, output: 2}}
"""
KEYS = f"auth: {{keys: [{{name: a, hash: '{HASH}'}}]}}\n"


def read(more: str = "") -> Loaded:
    return parse(TEXT + more, {}, folder=Path())


def settled(more: str, *, before: str = "") -> tuple[Config, list[str]]:
    loaded, kept = settle(read(more), read(before).config)
    return loaded.config, kept


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("server: {host: 127.0.0.2}", "server.host"),
        ("server: {port: 9999}", "server.port"),
        ("server: {workers: 4}", "server.workers"),
        ("server: {shutdown_timeout_s: 1}", "server.shutdown_timeout_s"),
        ("recording: {path: other.sqlite}", "recording"),
        ("recording: {enabled: false}", "recording"),
    ],
)
def test_what_a_running_process_cannot_change_stays_and_is_named(section: str, name: str) -> None:
    config, kept = settled(section)

    assert kept == [name]
    assert config == read().config


@pytest.mark.parametrize(
    "section",
    [
        "server: {max_body_bytes: 5000, reload_s: 7, max_connections: 3}",
        "routing: {max_complexity: {small: 1}}",
        "cache: {max_entries: 3}",
        "upstream: {retries: 0}",
        "profiles: {bot: {mode: observe}}",
        "recording: {content: true}",
        KEYS,
    ],
)
def test_all_else_is_taken(section: str) -> None:
    config, kept = settled(section)

    assert kept == []
    assert config == read(section).config


def test_content_is_not_recorded_any_more_though_the_rest_of_the_section_stays() -> None:
    config, kept = settled("recording: {content: false, max_days: 3}", before="recording: {content: true}")

    assert kept == ["recording"]
    assert (config.recording.content, config.recording.max_days) == (False, 90.0)


def test_keys_cannot_vanish_where_others_reach_the_gateway() -> None:
    """The new file says loopback, so nothing is wrong with it; but the gateway goes on listening where it does."""
    before = read("server: {host: 0.0.0.0}\n" + KEYS).config

    with pytest.raises(ConflictError, match=r"listens on 0\.0\.0\.0, where anybody could call it"):
        settle(read(), before)


def test_keys_may_vanish_where_nobody_else_reaches_it() -> None:
    config, _ = settled("", before=KEYS)

    assert not config.auth.keys


def test_a_gateway_that_speaks_https_goes_on_doing_so() -> None:
    before = read().config
    server = replace(before.server, tls_certificate="a.pem", tls_key="k.pem")

    loaded, kept = settle(read(), replace(before, server=server))

    assert kept == ["server.tls_certificate", "server.tls_key"]
    assert loaded.config.server == server


def test_an_address_from_the_command_line_counts_as_much() -> None:
    before = read(KEYS).config
    before = replace(before, server=replace(before.server, host="::"))

    with pytest.raises(ConflictError):
        settle(read(), before)
