"""`suffice.yaml` changed while a gateway serves: nothing is dropped, and what cannot be used is refused."""

import asyncio
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from loaded_clients import ask_while
from reload_scenes import Scene, n_open_files, run_scene
from streaming_clients import connect, read_until, request_bytes

from suffice.server.auth import hash_key
from suffice.testing import RECORDS, Server, call, post, run_loopback, stats, wait_until
from suffice.testing.bundles import write_random_bundle

EASY = {"max_complexity": {"small": 9.9}}
HARD = {"max_complexity": {"small": 0.0}}
N_RELOADS = 20


@pytest.fixture
def addresses(small_upstream: Server, large_upstream: Server) -> tuple[list[str], list[str]]:
    return [small_upstream.address], [large_upstream.address]


@pytest.mark.parametrize("n_workers", [1, 3])
def test_no_request_is_dropped_while_the_configuration_changes_again_and_again(
    addresses: tuple[list[str], list[str]], tmp_path: Path, n_workers: int
) -> None:
    with run_scene(tmp_path, *addresses, n_workers=n_workers, routing=EASY) as scene:
        hashes: set[str] = set()

        def reload() -> None:
            for n in range(N_RELOADS):
                # Pools, thresholds, keys of metrics and limits, all at once.
                scene.write(
                    routing=HARD if n % 2 == 0 else EASY,
                    server={"max_concurrent_requests": 1000 + n},
                    upstream={"checks": {"path": None}, "retries": n % 3},
                    auth={"keys": []},
                    profiles={f"p-{n}": {"mode": "observe"}},
                )
                answer = scene.reload()
                assert answer.status == 200, answer.body
                hashes.add(answer.document["configuration"])

        tiers = asyncio.run(ask_while(scene.gateway.address, 8, reload))

        assert set(tiers) == {"small", "large"}
        assert len(hashes) == N_RELOADS
        assert scene.metric("suffice_requests_total") == len(tiers)
        scene.gateway.stop()
    with closing(sqlite3.connect(tmp_path / RECORDS)) as store:
        rows = store.execute("SELECT config_hash, tier, error, cancelled FROM requests").fetchall()
    assert len(rows) == len(tiers)
    assert {(error, cancelled) for _, _, error, cancelled in rows} == {(None, 0)}
    assert "Traceback" not in scene.log


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_file_that_is_no_configuration_leaves_the_old_one_in_force(
    addresses: tuple[list[str], list[str]], tmp_path: Path, n_workers: int
) -> None:
    with run_scene(tmp_path, *addresses, n_workers=n_workers) as scene:
        before = scene.in_force()["configuration"]
        scene.path.write_text("tiers: 7\n")

        refused = scene.reload()
        wait_until(lambda: scene.log.count("stays in force") >= n_workers)

        assert (refused.status, refused.document["error"]["code"]) == (409, "conflict")
        assert "tiers (line 1): 7: must be a list" in refused.document["error"]["message"]
        assert [scene.ask().status for _ in range(10)] == [200] * 10
        assert {scene.in_force()["configuration"] for _ in range(10)} == {before}
        wait_until(lambda: "must be a list" in (scene.in_force()["configuration_refusal"] or ""))
        scene.change(routing=HARD)
        assert scene.reload().status == 200
        assert {scene.in_force()["configuration_refusal"] for _ in range(10)} == {None}


def test_a_stream_goes_on_by_the_configuration_it_began_with_and_then_its_connections_end(
    large_upstream: Server, tmp_path: Path
) -> None:
    with (
        run_loopback("--model", "small-model") as old,
        run_loopback("--model", "small-model") as new,
        run_scene(tmp_path, [old.address], [large_upstream.address], routing=EASY) as scene,
    ):
        assert [scene.ask().status for _ in range(3)] == [200] * 3
        with connect(scene.gateway, request_bytes("!words 60\n!slow 0.05", stream=True)) as client:
            begun = read_until(client, b"data: ")

            replace(scene, small=[new.address]).change(routing=EASY)
            assert [scene.ask().status for _ in range(3)] == [200] * 3
            n_during = stats(old.address)["streams_open"]
            received = begun + read_until(client, b"[DONE]")

        assert n_during == 1
        assert b'"finish_reason":"stop"' in received
        wait_until(lambda: stats(old.address)["connections_open"] == 0)
        assert stats(old.address)["requests"] == 4
        assert stats(new.address)["requests"] == 3


def test_nothing_is_left_of_configurations_that_are_no_more(
    addresses: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    with run_scene(tmp_path, *addresses, routing=EASY) as scene:

        def reload_and_ask() -> None:
            for n in range(10):
                scene.write(routing={"max_complexity": {"small": n % 2 * 9.9}}, upstream={"retries": n % 4})
                assert scene.reload().status == 200
                assert scene.ask().status == 200

        reload_and_ask()
        n_before = n_open_files(scene.gateway.process.pid)
        reload_and_ask()
        reload_and_ask()

        wait_until(lambda: n_open_files(scene.gateway.process.pid) <= n_before + 2)


def test_tiers_may_change_their_names_amid_a_conversation(
    addresses: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    call_of_f = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    loop = [
        {"role": "user", "content": "use the tool"},
        {"role": "assistant", "content": None, "tool_calls": [call_of_f]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    ]
    headers = {"x-suffice-session": "s-1"}
    with run_scene(tmp_path, *addresses, routing=HARD) as scene:
        first = scene.ask(headers=headers, messages=loop[:1], tools=tools)
        text = scene.path.read_text().replace("name: small", "name: tiny").replace("name: large", "name: huge")
        scene.path.write_text(text.replace("small: 0.0", "tiny: 9.9"))
        assert scene.reload().status == 200

        second = scene.ask(headers=headers, messages=loop, tools=tools)
        by_old_name = scene.ask(model="small")

        assert (first.status, first.headers["x-suffice-tier"]) == (200, "large")
        assert (second.status, second.headers["x-suffice-tier"]) == (200, "tiny")
        assert (by_old_name.status, by_old_name.document["error"]["code"]) == (404, "model_not_found")
        assert scene.ask(model="tiny").status == 200


def test_keys_hold_from_the_moment_they_stand_in_the_file(
    addresses: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    keys = [{"name": "ops", "hash": hash_key("k-1"), "admin": True}]
    with run_scene(tmp_path, *addresses) as scene:
        assert scene.ask().status == 200
        scene.write(auth={"keys": keys})
        assert scene.reload().status == 200

        without, with_key = scene.ask(), scene.ask(headers={"authorization": "Bearer k-1"})

        assert (without.status, with_key.status) == (401, 200)
        assert scene.reload().status == 401
        assert scene.metric('suffice_cost_usd_total{key="ops"') > 0


@pytest.mark.parametrize("n_workers", [1, 2])
def test_an_address_for_everybody_without_a_key_is_refused(
    addresses: tuple[list[str], list[str]], tmp_path: Path, n_workers: int
) -> None:
    """A worker is told where to listen, which must not pass for leave to be open."""
    keys = [{"name": "ops", "hash": hash_key("k-1"), "admin": True}]
    admin = {"authorization": "Bearer k-1"}
    with run_scene(tmp_path, *addresses, n_workers=n_workers, auth={"keys": keys}) as scene:
        assert scene.ask(headers=admin).status == 200
        scene.write(server={"host": "0.0.0.0"})

        refused = post(scene.gateway.address, "/admin/reload", {}, headers=admin)

        assert refused.status == 409
        assert "is reachable by others" in refused.document["error"]["message"]
        assert scene.ask().status == 401


def test_a_generic_bundle_is_refused_where_the_mode_was_switched_to_route(
    addresses: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    write_random_bundle(tmp_path / "g.bundle", seed=7, generic=True)
    observing: dict[str, Any] = {"mode": "observe", "max_complexity": {}}
    with run_scene(tmp_path, *addresses, routing={"mode": "observe"}) as scene:
        assert _put_mode(scene, b'{"mode":"route"}') == 200
        scene.write(routing=observing, scorer={"kind": "learned", "bundle": "g.bundle"})

        refused = scene.reload()
        _put_mode(scene, b'{"mode":null}')
        taken = scene.reload()

        assert (refused.status, taken.status) == (409, 200)
        assert "the mode is route" in refused.document["error"]["message"]
        assert (taken.document["reloaded"], taken.document["observe_only"]) == (True, True)


def _put_mode(scene: Scene, body: bytes) -> int:
    return call(scene.gateway.address, "PUT", "/admin/mode", body).status


def test_limits_of_the_server_hold_for_the_next_connection(
    addresses: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    with run_scene(tmp_path, *addresses) as scene:
        assert scene.ask("x" * 5000).status == 200
        scene.write(server={"max_body_bytes": 2000})
        assert scene.reload().status == 200

        assert (scene.ask("x" * 5000).status, scene.ask("x").status) == (413, 200)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_what_cannot_change_while_it_runs_stays_with_a_warning(
    addresses: tuple[list[str], list[str]], tmp_path: Path, n_workers: int
) -> None:
    with run_scene(tmp_path, *addresses, n_workers=n_workers) as scene:
        scene.write(recording={"path": "other.sqlite"}, server={"port": 9999}, routing=HARD)
        assert scene.reload().status == 200

        answer = scene.ask()
        scene.gateway.stop()

        assert (answer.status, answer.headers["x-suffice-tier"]) == (200, "large")
        assert "recording has changed, and stays as it was" in scene.log
        assert "server.port has changed, and stays as it was" in scene.log
        assert scene.log.count("recording has changed") == n_workers
    assert not (tmp_path / "other.sqlite").exists()


def test_a_key_that_is_not_in_the_environment_is_refused_and_no_secret_is_told(
    addresses: tuple[list[str], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY_OF_THE_TEST", "sk-very-secret")
    with run_scene(tmp_path, *addresses) as scene:
        text = scene.path.read_text()
        scene.path.write_text(text.replace("model: small-model", "model: small-model\n  api_key_env: NO_SUCH_KEY", 1))
        refused = scene.reload()
        named = text.replace("model: small-model", "model: small-model\n  api_key_env: A_KEY_OF_THE_TEST", 1)
        scene.path.write_text(named)
        taken = scene.reload()

        assert (refused.status, taken.status, scene.ask().status) == (409, 200, 200)
        assert "NO_SUCH_KEY" in refused.document["error"]["message"]
        assert "sk-very-secret" not in scene.log + refused.body.decode() + taken.body.decode()
    assert "A_KEY_OF_THE_TEST" in os.environ
