"""What the commands say of a bundle that a gateway serves, each as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from suffice.testing import Server, post, read_events, run_gateway, wait_until, write_settings
from suffice.testing.bundles import write_random_bundle

CHAT = "/v1/chat/completions"
PROMPT = "Prove that zebras sleep, please."
ASKED = {"model": "auto", "messages": [{"role": "user", "content": PROMPT}]}


def suffice(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "suffice", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "160"},
        timeout=60,
        check=False,
    )


def configure(folder: Path, small: Server, large: Server, **routing: Any) -> Path:
    return write_settings(
        folder,
        small=[small.address],
        large=[large.address],
        sections={
            "scorer": {"kind": "learned", "bundle": "b.bundle", "reload_s": 0},
            "routing": {"max_complexity": {}, **routing},
        },
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundle")


@pytest.fixture(scope="module")
def generic_gateway(folder: Path, small_upstream: Server, large_upstream: Server) -> Generator[Server]:
    """It observes by a generic bundle, and looks at the file only when told to."""
    write_random_bundle(folder / "b.bundle", generic=True, thresholds={"balanced": 10.0})
    with run_gateway(configure(folder, small_upstream, large_upstream, mode="observe")) as gateway:
        yield gateway


@pytest.mark.parametrize("mode", ["route", "canary"])
def test_routing_by_a_generic_bundle_is_refused_with_the_way_out(generic_gateway: Server, mode: str) -> None:
    result = suffice("mode", mode, "--gateway", generic_gateway.address)

    assert result.returncode == 1
    assert "answered 409" in result.stderr
    assert "accept_generic_bundle: true" in result.stderr
    assert json.loads(suffice("mode", "--gateway", generic_gateway.address, "--json").stdout)["mode"] == "observe"


def test_observing_by_a_generic_bundle_always_works(generic_gateway: Server) -> None:
    answer = post(generic_gateway.address, CHAT, ASKED, headers={"x-suffice-debug": "1"})

    assert suffice("mode", "observe", "--gateway", generic_gateway.address).returncode == 0
    assert (answer.status, answer.headers["x-suffice-tier"]) == (200, "large")
    assert answer.headers["x-suffice-proposal"] == "small:suffices"


def test_a_gateway_does_not_start_routing_by_a_generic_bundle(
    folder: Path, tmp_path: Path, generic_gateway: Server, small_upstream: Server, large_upstream: Server
) -> None:
    (tmp_path / "b.bundle").write_bytes((folder / "b.bundle").read_bytes())
    config = configure(tmp_path, small_upstream, large_upstream, mode="route")

    results = [suffice("serve", "--config", str(config)), suffice("check", str(config), "--no-ping")]

    for result in results:
        assert result.returncode == 2
        assert "routing.mode" in result.stderr
        assert "accept_generic_bundle" in result.stderr
        assert "Traceback" not in result.stderr


def test_accepting_it_lets_it_route(tmp_path: Path, small_upstream: Server, large_upstream: Server) -> None:
    write_random_bundle(tmp_path / "b.bundle", generic=True, thresholds={"balanced": 10.0})
    config = configure(tmp_path, small_upstream, large_upstream, mode="route", accept_generic_bundle=True)

    with run_gateway(config) as gateway:
        assert post(gateway.address, CHAT, ASKED).headers["x-suffice-tier"] == "small"


def test_a_bundle_that_cannot_be_used_is_told_at_start_without_a_traceback(
    tmp_path: Path, small_upstream: Server, large_upstream: Server
) -> None:
    (tmp_path / "b.bundle").write_bytes(b"nothing of the kind")

    result = suffice("serve", "--config", str(configure(tmp_path, small_upstream, large_upstream)))

    assert result.returncode == 2
    assert "scorer.bundle" in result.stderr
    assert "is no bundle" in result.stderr
    assert "Traceback" not in result.stderr


def test_what_fits_badly_is_warned_of_at_start(tmp_path: Path, small_upstream: Server, large_upstream: Server) -> None:
    write_random_bundle(tmp_path / "b.bundle", models=("tiny", "huge"), thresholds={"balanced": 3.0})

    with run_gateway(configure(tmp_path, small_upstream, large_upstream, max_complexity={"small": 9.0})) as gateway:
        wait_until(lambda: "wins over the 3" in "".join(gateway.output))
        assert "not for the model of 'small', 'large'" in "".join(gateway.output)


def test_a_reload_is_told_and_a_refused_one_leaves_the_old_bundle(
    tmp_path: Path, small_upstream: Server, large_upstream: Server
) -> None:
    first = write_random_bundle(tmp_path / "b.bundle")
    with run_gateway(configure(tmp_path, small_upstream, large_upstream)) as gateway:
        second = write_random_bundle(tmp_path / "b.bundle", seed=7, thresholds={"balanced": 1.5})

        taken = suffice("reload", "--gateway", gateway.address)
        again = suffice("reload", "--gateway", gateway.address, "--json")
        (tmp_path / "b.bundle").write_bytes(b"")
        refused = suffice("reload", "--gateway", gateway.address)

    assert (taken.returncode, first.id != second.id) == (0, True)
    assert second.id in taken.stdout
    assert "small 1.5" in taken.stdout
    assert (json.loads(again.stdout)["reloaded"], json.loads(again.stdout)["id"]) == (False, second.id)
    assert refused.returncode == 1
    assert f"bundle {second.id} stays in force" in refused.stderr
    assert "is empty" in refused.stderr


def test_named_thresholds_are_the_bundles(tmp_path: Path, small_upstream: Server, large_upstream: Server) -> None:
    write_random_bundle(tmp_path / "b.bundle", thresholds={"quality": 0.0, "balanced": 0.0, "cheap": 10.0})

    with run_gateway(configure(tmp_path, small_upstream, large_upstream)) as gateway:
        tiers = {
            name: post(gateway.address, CHAT, {**ASKED, "model": name}).headers["x-suffice-tier"]
            for name in ("auto", "auto:balanced", "auto:quality", "auto:cheap", "auto@10")
        }

    assert tiers == {
        "auto": "large",
        "auto:balanced": "large",
        "auto:quality": "large",
        "auto:cheap": "small",
        "auto@10": "small",
    }


@pytest.mark.parametrize("stream", [False, True])
def test_debug_headers_tell_what_route_tells(generic_gateway: Server, stream: bool) -> None:  # noqa: FBT001 - a parameter
    decision = json.loads(suffice("route", PROMPT, "--gateway", generic_gateway.address, "--json").stdout)
    shown = suffice("route", PROMPT, "--gateway", generic_gateway.address).stdout

    answer = post(generic_gateway.address, CHAT, {**ASKED, "stream": stream}, headers={"x-suffice-debug": "1"})

    told = answer.headers
    assert not stream or read_events(answer.body)
    assert (told["x-suffice-bundle"], told["x-suffice-scorer"]) == (decision["bundle"], decision["scorer"])
    assert told["x-suffice-complexity"] == f"{decision['complexity']:.2f}"
    assert told["x-suffice-p-ok"] == ",".join(f"{tier}={p:.3f}" for tier, p in decision["p_ok"].items())
    assert list(decision["p_ok"]) == ["small", "large"]
    assert len(told["x-suffice-explanation"].split(",")) == len(decision["explanation"]) == 8
    assert "moves it" in shown
    assert set(decision["explanation"]) & {"zebras", "prove", "sleep", "please"}
