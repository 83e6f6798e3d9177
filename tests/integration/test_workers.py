"""Several workers on one port: together they are one gateway."""

import asyncio
import http.client
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from loaded_clients import ask_while
from reload_scenes import Scene, children, is_alive, listens, replace_settings, run_scene
from streaming_clients import connect, read_until, request_bytes

from certificates import make_certificates
from suffice.testing import RECORDS, Server, call, post, run_gateway, stats, wait_until

Addresses = tuple[list[str], list[str]]
N_LOOKS = 12
"""Enough for each of three workers to be asked, but for once in a hundred; where one is missed the test still holds."""


@pytest.fixture
def addresses(small_upstream: Server, large_upstream: Server) -> Addresses:
    return [small_upstream.address], [large_upstream.address]


def n_records(folder: Path) -> int:
    with closing(sqlite3.connect(folder / RECORDS)) as store:
        return store.execute("SELECT count(*) FROM requests").fetchone()[0]


def put_mode(scene: Scene, mode: str) -> Any:
    return call(scene.gateway.address, "PUT", "/admin/mode", b'{"mode":"%s"}' % mode.encode()).document


def modes(scene: Scene) -> set[str]:
    return {call(scene.gateway.address, "GET", "/admin/mode").document["mode"] for _ in range(N_LOOKS)}


def replaced(scene: Scene, pid: int) -> bool:
    """A worker was ended, and another one serves in its place."""
    alive = children(scene.gateway)
    return pid not in alive and len(alive) == 3 and scene.log.count("is started again") >= 1


def test_metrics_are_of_all_workers_and_every_request_is_recorded(addresses: Addresses, tmp_path: Path) -> None:
    with run_scene(tmp_path, *addresses, n_workers=3) as scene:
        answers = [scene.ask(f"request {n}") for n in range(60)]

        assert {answer.status for answer in answers} == {200}
        assert len(children(scene.gateway)) == 3
        assert scene.metric("suffice_requests_total") == 60
        assert scene.metric("suffice_request_duration_seconds_count") == 60
        assert scene.metric("suffice_replica_healthy") == 2
        wait_until(lambda: scene.metric("suffice_recorder_written_total") == 60)
        assert scene.metric("suffice_recorder_dropped_total") == 0
    assert n_records(tmp_path) == 60
    assert len({answer.headers["x-suffice-request-id"] for answer in answers}) == 60


def test_feedback_finds_its_request_whichever_worker_takes_it(addresses: Addresses, tmp_path: Path) -> None:
    with run_scene(tmp_path, *addresses, n_workers=3) as scene:
        for n in range(10):
            request_id = scene.ask(f"request {n}").headers["x-suffice-request-id"]
            answer = post(scene.gateway.address, "/v1/feedback", {"request_id": request_id, "rating": "up"})
            assert answer.status == 200, answer.body
        unknown = post(scene.gateway.address, "/v1/feedback", {"request_id": "nobody", "rating": "up"})

        assert unknown.status == 404


def test_a_mode_reaches_all_workers_and_those_that_come_later(addresses: Addresses, tmp_path: Path) -> None:
    with run_scene(tmp_path, *addresses, n_workers=3) as scene:
        assert put_mode(scene, "observe")["mode"] == "observe"
        assert modes(scene) == {"observe"}

        (killed, *_) = children(scene.gateway)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: replaced(scene, killed), timeout_s=20.0)
        (*_, newest) = children(scene.gateway)
        wait_until(lambda: listens(newest), timeout_s=20.0)

        assert modes(scene) == {"observe"}
        put_mode(scene, "route")
        assert modes(scene) == {"route"}


def test_counts_of_a_worker_that_died_stay_in_the_sums(addresses: Addresses, tmp_path: Path) -> None:
    with run_scene(tmp_path, *addresses, n_workers=3) as scene:
        for n in range(30):
            assert scene.ask(f"request {n}").status == 200
        before = scene.metric("suffice_requests_total")

        (killed, *_) = children(scene.gateway)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: "is started again" in scene.log)
        after = [scene.metric("suffice_requests_total")]
        wait_until(lambda: replaced(scene, killed), timeout_s=20.0)
        after.append(scene.metric("suffice_requests_total"))

        assert (before, after) == (30, [30, 30])
        assert f"was ended by signal {signal.SIGKILL:d} while it served" in scene.log


def test_a_bundle_and_a_configuration_reach_all_workers_at_once(addresses: Addresses, tmp_path: Path) -> None:
    with run_scene(tmp_path, *addresses, n_workers=3, server={"reload_s": 0}) as scene:
        scene.write(routing={"max_complexity": {"small": 0.0}}, server={"reload_s": 0})

        told = scene.reload().document["configuration"]

        assert {scene.in_force()["configuration"] for _ in range(N_LOOKS)} == {told}
        assert {scene.ask().headers["x-suffice-tier"] for _ in range(N_LOOKS)} == {"large"}


def test_streams_end_and_records_are_written_before_the_gateway_is_gone(addresses: Addresses, tmp_path: Path) -> None:
    with run_scene(tmp_path, *addresses, n_workers=3, routing={"max_complexity": {"small": 9.9}}) as scene:
        clients = [
            connect(scene.gateway, request_bytes("!words 25\n!slow 0.04", stream=True, model="small")) for _ in range(9)
        ]
        begun = [read_until(client, b"data: ") for client in clients]

        scene.gateway.process.send_signal(signal.SIGTERM)
        ends = [
            text if b"[DONE]" in text else text + read_until(client, b"[DONE]")
            for client, text in zip(clients, begun, strict=True)
        ]
        for client in clients:
            client.close()

        assert all(b'"finish_reason":"stop"' in end for end in ends)
        assert scene.gateway.process.wait(10) == 0
    assert n_records(tmp_path) == 9


def test_no_record_is_lost_when_all_end_under_load(addresses: Addresses, tmp_path: Path) -> None:
    with run_scene(tmp_path, *addresses, n_workers=3, options=("--log-level", "warning")) as scene:

        def wait() -> None:
            wait_until(lambda: scene.metric("suffice_requests_total") > 200, timeout_s=20.0)

        tiers = asyncio.run(ask_while(scene.gateway.address, 8, wait))
        scene.gateway.process.send_signal(signal.SIGTERM)

        assert scene.gateway.process.wait(20) == 0
        assert "lost" not in scene.log
    assert n_records(tmp_path) == len(tiers)


@pytest.fixture
def hanging(addresses: Addresses, tmp_path: Path) -> Generator[Scene]:
    """A gateway of two workers with a request that does not end."""
    patient = {"first_byte_timeout_s": 60.0, "checks": {"path": None}}
    with (
        run_scene(tmp_path, *addresses, n_workers=2, upstream=patient) as scene,
        connect(scene.gateway, request_bytes("!hang", model="small")),
    ):
        wait_until(lambda: stats(addresses[0][0])["active"] == 1)
        yield scene


def test_a_second_signal_ends_what_runs(hanging: Scene, tmp_path: Path) -> None:
    workers = children(hanging.gateway)

    hanging.gateway.process.send_signal(signal.SIGINT)
    wait_until(lambda: sum(map(is_alive, workers)) == 1)
    hanging.gateway.process.send_signal(signal.SIGINT)

    assert hanging.gateway.process.wait(10) == 0
    assert not any(map(is_alive, workers))
    assert n_records(tmp_path) == 1


def test_workers_end_when_the_process_above_them_is_killed(hanging: Scene) -> None:
    workers = children(hanging.gateway)

    hanging.gateway.kill()
    wait_until(lambda: sum(map(is_alive, workers)) == 1)
    for worker in filter(is_alive, workers):
        os.kill(worker, signal.SIGTERM)

    wait_until(lambda: not any(map(is_alive, workers)), timeout_s=10.0)


@contextmanager
def starting(folder: Path, *options: str) -> Generator[subprocess.Popen[str]]:
    """A gateway that has just been started."""
    command = [sys.executable, "-m", "suffice", "serve", "--config", str(folder / "suffice.yaml"), *options]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_signal_while_workers_start_ends_them(addresses: Addresses, tmp_path: Path) -> None:
    replace_settings(tmp_path, small=addresses[0], large=addresses[1])
    with starting(tmp_path, "--workers", "3") as process:
        server = Server(process)
        wait_until(lambda: len(children(server)) > 0, timeout_s=20.0)
        workers = children(server)

        process.terminate()
        said, _ = process.communicate(timeout=20)

        assert process.returncode == 0
        assert "Traceback" not in said
        assert not any(map(is_alive, workers))


def test_a_port_that_another_gateways_workers_have_is_taken(addresses: Addresses, tmp_path: Path) -> None:
    """They share it among themselves, which must not mean with everybody."""
    with run_scene(tmp_path, *addresses, n_workers=2) as scene:
        port = str(scene.gateway.port)
        with starting(tmp_path, "--workers", "2", "--port", port) as process:
            said, _ = process.communicate(timeout=20)

        assert process.returncode == 2
        assert "cannot be listened on" in said
        assert scene.ask().status == 200


def test_a_worker_that_finds_a_broken_file_is_told_of_and_comes_back_once_it_is_mended(
    addresses: Addresses, tmp_path: Path
) -> None:
    with run_scene(tmp_path, *addresses, n_workers=3) as scene:
        good = scene.path.read_text()
        scene.path.write_text("tiers: 7\n")
        (killed, *_) = children(scene.gateway)

        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: "ended with 2 before it listened" in scene.log, timeout_s=20.0)
        assert [scene.ask().status for _ in range(N_LOOKS)] == [200] * N_LOOKS
        scene.path.write_text(good)
        wait_until(
            lambda: len(children(scene.gateway)) == 3 and all(map(listens, children(scene.gateway))), timeout_s=30.0
        )

        assert "2 of 3 serve" in scene.log
        assert "must be a list" in scene.log


def has_ipv6_loopback() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6_loopback(), reason="this machine has no IPv6 loopback")
def test_workers_share_an_address_of_the_newer_kind(addresses: Addresses, tmp_path: Path) -> None:
    config = replace_settings(tmp_path, small=addresses[0], large=addresses[1])
    with run_gateway(config, "--workers", "2", "--host", "::1") as gateway:
        assert gateway.address.startswith("http://[::1]:")
        body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
        assert [post(gateway.address, "/v1/chat/completions", body).status for _ in range(5)] == [200] * 5


def test_workers_speak_https_also_those_that_come_after_the_file_says_otherwise(
    addresses: Addresses, tmp_path: Path
) -> None:
    made = make_certificates(tmp_path)
    files = {"tls_certificate": str(made.certificate), "tls_key": str(made.key), "reload_s": 0}
    config = replace_settings(tmp_path, small=addresses[0], large=addresses[1], server=files)
    trust = ssl.create_default_context(cafile=str(made.authority))
    with run_gateway(config, "--workers", "2") as gateway:
        replace_settings(tmp_path, small=addresses[0], large=addresses[1])
        (killed, *_) = children(gateway)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: killed not in children(gateway) and len(children(gateway)) == 2, timeout_s=20.0)
        wait_until(lambda: all(map(listens, children(gateway))), timeout_s=20.0)

        statuses: list[int] = []
        for _ in range(N_LOOKS):
            connection = http.client.HTTPSConnection("127.0.0.1", gateway.port, context=trust, timeout=10)
            connection.request("GET", "/health")
            statuses.append(connection.getresponse().status)
            connection.close()

    assert gateway.address.startswith("https://")
    assert statuses == [200] * N_LOOKS


def test_limits_are_divided_among_the_workers(addresses: Addresses, tmp_path: Path) -> None:
    with run_scene(tmp_path, *addresses, n_workers=2) as scene:
        text = scene.path.read_text().replace("model: small-model", "model: small-model\n  slots: 6", 1)
        scene.path.write_text(text)
        assert scene.reload().status == 200

        tiers = call(scene.gateway.address, "GET", "/admin/replicas").document["tiers"]

        assert tiers[0]["replicas"][0]["slots"] == 3
