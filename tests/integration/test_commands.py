"""The commands that talk to servers, against real ones, each as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from suffice.config import load
from suffice.testing import LARGE_MODEL, SMALL_MODEL, Server, call, run_gateway, run_loopback, stats, write_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def suffice(*arguments: str, environ: dict[str, str] | None = None) -> Run:
    done = subprocess.run(
        [sys.executable, "-m", "suffice", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "160", **(environ or {})},
        timeout=60,
        check=False,
    )
    return Run(code=done.returncode, out=done.stdout, err=done.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A gateway of this module's own, since its mode is switched."""

    gateway: Server
    config: str


@pytest.fixture(scope="module")
def setup(small_upstream: Server, large_upstream: Server, tmp_path_factory: pytest.TempPathFactory) -> Generator[Setup]:
    config = write_settings(
        tmp_path_factory.mktemp("commands"), small=[small_upstream.address], large=[large_upstream.address]
    )
    with run_gateway(config) as gateway:
        yield Setup(gateway=gateway, config=str(config))


def change_file(path: Path, **sections: Any) -> None:
    document = yaml.safe_load(path.read_text("utf-8"))
    path.write_text(yaml.safe_dump({**document, **sections}, sort_keys=False), "utf-8")


@pytest.mark.parametrize("tier", ["small", "large"])
def test_verify_finds_no_difference_between_the_gateway_and_its_upstream(setup: Setup, tier: str) -> None:
    result = suffice("verify", setup.config, "--gateway", setup.gateway.address, "--tier", tier, "--json")

    assert result.code == 0, result.err
    assert result.document["n_calls"] == 20
    assert {
        (trial["name"], *trial["where"]) for trial in result.document["calls"] if trial["answers"] != "same"
    } == set()


def test_verify_tells_what_another_server_answers_differently(setup: Setup, large_upstream: Server) -> None:
    mismatched = f"{large_upstream.address}/v1"
    path = Path(setup.config)
    other = path.with_name("other.yaml")
    other.write_text(path.read_text("utf-8"), "utf-8")
    tiers = yaml.safe_load(other.read_text("utf-8"))["tiers"]
    first = {**tiers[0], "model": LARGE_MODEL, "base_urls": [mismatched]}
    change_file(other, tiers=[first, {**tiers[1], "model": "another"}])

    result = suffice("verify", str(other), "--gateway", setup.gateway.address)

    assert result.code == 1
    assert f'body.model: directly "{LARGE_MODEL}", through the gateway "{SMALL_MODEL}"' in result.out
    assert "different" in result.out


def test_verify_says_when_no_gateway_runs(setup: Setup) -> None:
    result = suffice("verify", setup.config, "--gateway", "http://127.0.0.1:1")

    assert result.code == 1
    assert "is `suffice serve` running?" in result.err


def test_verify_needs_a_tier_with_a_server(setup: Setup) -> None:
    result = suffice("verify", setup.config, "--tier", "medium")

    assert result.code == 2
    assert "use one of small, large" in result.err


def test_check_pings_every_replica_with_its_key(small_upstream: Server, tmp_path: Path) -> None:
    with run_loopback("--model", LARGE_MODEL, "--api-key", "sesame", "--context-tokens", "4096") as guarded:
        path = write_settings(tmp_path, small=[small_upstream.address], large=[guarded.address])
        tiers = yaml.safe_load(path.read_text("utf-8"))["tiers"]
        tiers[1] |= {"api_key_env": "LARGE_KEY", "context_tokens": 8192}
        change_file(path, tiers=tiers)

        result = suffice("check", str(path), "--json", environ={"LARGE_KEY": "sesame"})
        refused = suffice("check", str(path), "--json", environ={"LARGE_KEY": "wrong"})

    replicas = result.document["replicas"]
    assert result.code == 0
    assert [(one["tier"], one["serves_model"], one["problem"]) for one in replicas] == [
        ("small", True, None),
        ("large", True, None),
    ]
    assert any("takes 4096 tokens" in warning["remedy"] for warning in result.document["warnings"])
    assert refused.code == 1
    assert refused.document["replicas"][1]["problem"] == "answers 401 to GET /models; is its key right?"
    assert "wrong" not in refused.out


def test_check_warns_of_a_model_that_its_server_does_not_list(
    small_upstream: Server, large_upstream: Server, tmp_path: Path
) -> None:
    path = write_settings(tmp_path, small=[large_upstream.address], large=[large_upstream.address])

    result = suffice("check", str(path))

    assert result.code == 0
    assert f"does not list the model '{SMALL_MODEL}'; it lists {LARGE_MODEL}" in result.out


def test_mode_reads_and_switches(setup: Setup) -> None:
    address = setup.gateway.address
    try:
        before = suffice("mode", "--gateway", address, "--json").document
        switched = suffice("mode", "canary", "--percent", "7", "--gateway", f"{address}/v1/", "--json").document
        after = suffice("mode", "--gateway", address).out
    finally:
        call(address, "PUT", "/admin/mode", b'{"mode":null}')

    assert before["mode"] == "route"
    assert (switched["mode"], switched["canary_percent"]) == ("canary", 7.0)
    assert "canary" in after


def test_mode_needs_an_admins_key_where_there_are_keys(
    small_upstream: Server, large_upstream: Server, tmp_path: Path
) -> None:
    made = {name: suffice("key", name, *options, "--json").document for name, options in _KEYS.items()}
    keys = [{"name": name, "hash": key["hash"], "admin": key["admin"]} for name, key in made.items()]
    path = write_settings(tmp_path, small=[small_upstream.address], large=[large_upstream.address])
    change_file(path, auth={"keys": keys})
    environ = {f"{name.upper()}_KEY": key["key"] for name, key in made.items()}

    with run_gateway(path) as gateway:
        options = ("mode", "--gateway", gateway.address)
        without = suffice(*options)
        with_user = suffice(*options, "--key-env", "USER_KEY", environ=environ)
        with_admin = suffice(*options, "--key-env", "ADMIN_KEY", environ=environ)
        unset = suffice(*options, "--key-env", "NO_SUCH_KEY", environ=environ)

    assert (without.code, "no API key" in without.err) == (1, True)
    assert (with_user.code, "needs the key of an admin" in with_user.err) == (1, True)
    assert with_admin.code == 0
    assert (unset.code, "NO_SUCH_KEY" in unset.err) == (2, True)


_KEYS: dict[str, tuple[str, ...]] = {"user": (), "admin": ("--admin",)}


def test_route_asks_the_gateway_and_calls_no_model(setup: Setup, small_upstream: Server) -> None:
    before = stats(small_upstream.address)

    result = suffice("route", "Hello there", "--gateway", setup.gateway.address, "--json")

    assert result.code == 0
    assert result.document["tier"] == "small"
    assert stats(small_upstream.address) == before


def test_route_decides_alike_with_the_file_alone(setup: Setup) -> None:
    here = suffice("route", "Prove it.", "--config", setup.config, "--json").document
    there = suffice("route", "Prove it.", "--gateway", setup.gateway.address, "--json").document

    same = ("tier", "reason", "complexity", "max_complexity", "scorer", "features")
    assert {name: here[name] for name in same} == {name: there[name] for name in same}


def test_route_tells_an_unknown_model(setup: Setup) -> None:
    result = suffice("route", "Hi", "--model", "gpt-nothing", "--config", setup.config)

    assert result.code == 2
    assert "unknown model 'gpt-nothing'" in result.err


def test_init_writes_what_it_found(small_upstream: Server, tmp_path: Path) -> None:
    path = tmp_path / "suffice.yaml"
    with run_loopback("--model", "big: 'model' #70B", "--model", "nomic-embed", "--context-tokens", "4096") as large:
        ports = f"{small_upstream.port},{large.port},1"

        result = suffice("init", "--path", str(path), "--ports", ports)

    config = load(path, {}).config
    assert result.code == 0
    assert {tier.model: (tuple(tier.base_urls), tier.context_tokens) for tier in config.tiers} == {
        SMALL_MODEL: ((f"{small_upstream.address}/v1",), 8192),
        "big: 'model' #70B": ((f"{large.address}/v1",), 4096),
    }


def test_init_takes_the_servers_it_is_given(small_upstream: Server, large_upstream: Server, tmp_path: Path) -> None:
    path = tmp_path / "suffice.yaml"

    result = suffice(
        "init", "--path", str(path), "--small", small_upstream.address, "--large", f"{large_upstream.address}/v1/"
    )

    assert result.code == 0, result.err
    assert [(tier.name, tier.model) for tier in load(path, {}).config.tiers] == [
        ("small", SMALL_MODEL),
        ("large", LARGE_MODEL),
    ]
    assert suffice("check", str(path)).code == 0
