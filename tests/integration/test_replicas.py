"""Replicas that die, hang, fill up and come back: what the client gets, and what is told of it."""

import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fleets import Fleet, run_fleet

from suffice.testing import (
    RECORDS,
    SMALL_MODEL,
    RawAnswer,
    Server,
    call,
    post,
    run_gateway,
    run_loopback,
    stats,
    wait_until,
    write_settings,
)

QUICK_EJECTION = {"after": 2, "base_s": 0.2, "max_s": 0.4}
QUICK_CHECKS = {"path": "models", "interval_s": 0.1, "timeout_s": 0.2}
PATIENT = {"first_byte_timeout_s": 10.0, "idle_timeout_s": 10.0}


def states(fleet: Fleet) -> list[str]:
    return sorted(replica["state"] for replica in fleet.state_of_small()["replicas"])


def tier_of(answer: RawAnswer) -> tuple[int, str]:
    return answer.status, answer.headers["x-suffice-tier"]


def in_background(work: Callable[[], RawAnswer], answers: list[RawAnswer]) -> threading.Thread:
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()
    return thread


def wait_for_waiting(fleet: Fleet, n: int) -> None:
    wait_until(lambda: fleet.state_of_small()["queue"]["waiting"] == n)


def wait_for_busy(fleet: Fleet, n: int = 1) -> None:
    wait_until(lambda: sum(stats(server.address)["active"] for server in fleet.small) == n)


def test_a_dead_replica_is_left_out_and_comes_back_when_it_lives_again(tmp_path: Path) -> None:
    with run_fleet(tmp_path, n_small=2, sections={"upstream": {"ejection": QUICK_EJECTION}}) as fleet:
        port = fleet.small[0].port
        fleet.small[0].kill()

        while_dead = [tier_of(fleet.ask(f"request {index}")) for index in range(12)]
        left_out = fleet.state_of_small()
        with run_loopback("--model", SMALL_MODEL, "--port", str(port)):
            wait_until(lambda: fleet.ask("again").status == 200 and states(fleet) == ["healthy", "healthy"])
        page = call(fleet.gateway.address, "GET", "/metrics").body.decode()

    assert while_dead == [(200, "small")] * 12
    assert sum(replica["ejections"] for replica in left_out["replicas"]) >= 1
    assert left_out["retries"]["made"] >= 2
    assert 'suffice_replica_healthy{replica="' in page
    assert "suffice_replica_ejections_total" in page


@pytest.mark.parametrize(("order", "stream"), [("!garbage", False), ("!garbage", True), ("!cut 4", True)])
def test_a_replica_whose_answers_are_none_is_left_out(order: str, *, stream: bool, tmp_path: Path) -> None:
    slow = {"ejection": {"after": 2, "base_s": 30.0}}
    with run_fleet(tmp_path, n_small=2, sections={"upstream": slow}) as fleet:

        def ask(number: int) -> RawAnswer:
            return fleet.ask(f"{number}\n{order} on small-0", stream=stream)

        for number in range(40):
            ask(number)
            if states(fleet) == ["ejected", "healthy"]:
                break

        afterwards = [ask(number) for number in range(10)]

    assert [tier_of(answer) for answer in afterwards] == [(200, "small")] * 10
    assert not any(b"error" in answer.body for answer in afterwards)


def test_checks_find_the_dead_before_a_client_does_and_then_the_next_tier_answers_at_once(tmp_path: Path) -> None:
    sections = {"upstream": {"checks": QUICK_CHECKS, "ejection": {"base_s": 30.0}}}
    with run_fleet(tmp_path, n_small=2, sections=sections) as fleet:
        wait_until(lambda: all(stats(server.address)["by_path"].get("/v1/models") for server in fleet.small))
        for server in fleet.small:
            server.kill()
        wait_until(lambda: states(fleet) == ["ejected", "ejected"])

        moved_up = fleet.ask("hello")
        named = fleet.ask("hello", model="small")

    assert tier_of(moved_up) == (200, "large")
    assert (named.status, named.document["error"]["code"]) == (503, "no_replica")
    assert int(named.headers["retry-after"]) >= 1


def test_a_replica_that_stands_still_is_found_by_checks_and_back_when_it_goes_on(tmp_path: Path) -> None:
    with run_fleet(tmp_path, n_small=2, sections={"upstream": {"checks": QUICK_CHECKS, **PATIENT}}) as fleet:
        wait_until(lambda: all(stats(server.address)["by_path"].get("/v1/models") for server in fleet.small))
        fleet.small[0].process.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: states(fleet) == ["ejected", "healthy"])
            while_still = [tier_of(fleet.ask(f"request {index}")) for index in range(8)]
        finally:
            fleet.small[0].process.send_signal(signal.SIGCONT)
        wait_until(lambda: states(fleet) == ["healthy", "healthy"])

    assert while_still == [(200, "small")] * 8


def test_a_server_that_knows_no_such_path_is_not_held_to_be_ill(tmp_path: Path) -> None:
    checks = {"upstream": {"checks": {**QUICK_CHECKS, "path": "/nothing"}}}
    with run_fleet(tmp_path, sections=checks) as fleet:
        wait_until(lambda: stats(fleet.small[0].address)["by_path"].get("/nothing", 0) >= 4)

        assert states(fleet) == ["healthy"]


def test_a_full_tier_sends_requests_up_but_not_those_that_name_it(tmp_path: Path) -> None:
    tier = {"slots": 1, "queue": {"max_waiting": 0}}
    with run_fleet(tmp_path, sections={"upstream": PATIENT}, small_tier=tier) as fleet:
        answers: list[RawAnswer] = []
        first = in_background(lambda: fleet.ask("!sleep 1"), answers)
        wait_for_busy(fleet)

        moved_up = fleet.ask("hello")
        named = fleet.ask("hello", model="small")
        first.join()

    assert tier_of(moved_up) == (200, "large")
    assert (named.status, named.document["error"]["code"]) == (429, "tier_full")
    assert int(named.headers["retry-after"]) >= 1
    assert tier_of(answers[0]) == (200, "small")


def test_who_waits_is_served_by_priority_and_a_full_queue_sheds_the_least_important(tmp_path: Path) -> None:
    tier = {"slots": 1, "queue": {"max_waiting": 2, "timeout_s": 20.0}}
    with run_fleet(tmp_path, sections={"upstream": PATIENT}, small_tier=tier) as fleet:
        answers: list[RawAnswer] = []

        def send(priority: str) -> threading.Thread:
            headers = {"x-suffice-priority": priority}
            # Long enough that whose answer comes first does not hang on which thread wakes up first.
            text = f"!sleep 0.3\n!say {priority}"
            return in_background(lambda: fleet.ask(text, model="small", headers=headers), answers)

        threads = [in_background(lambda: fleet.ask("!sleep 1.5\n!say first", model="small"), answers)]
        wait_for_busy(fleet)
        for n_waiting, priority in enumerate(("low", "normal"), start=1):
            threads.append(send(priority))
            wait_for_waiting(fleet, n_waiting)
        threads.append(send("high"))
        for thread in threads:
            thread.join()
        shed = fleet.state_of_small()["queue"]["shed"]

    said = [a.document["choices"][0]["message"]["content"] for a in answers if a.status == 200]
    assert said == ["first", "high", "normal"]
    assert [a.document["error"]["code"] for a in answers if a.status != 200] == ["tier_full"]
    assert shed == {"displaced": {"low": 1}}


def test_a_client_that_leaves_the_queue_leaves_no_hole_in_it(tmp_path: Path) -> None:
    tier = {"slots": 1, "queue": {"max_waiting": 1, "timeout_s": 0.2}}
    with run_fleet(tmp_path, sections={"upstream": PATIENT}, small_tier=tier) as fleet:
        answers: list[RawAnswer] = []
        first = in_background(lambda: fleet.ask("!sleep 1", model="small"), answers)
        wait_for_busy(fleet)

        late = fleet.ask("waits too long", model="small")
        first.join()
        after = fleet.ask("hello", model="small")

    assert (late.status, late.document["error"]["code"]) == (429, "tier_full")
    assert "none came free within 0.2 s" in late.document["error"]["message"]
    assert after.status == 200


def test_a_priority_that_is_not_known_is_refused_by_name(tmp_path: Path) -> None:
    with run_fleet(tmp_path) as fleet:
        answer = fleet.ask("hello", headers={"x-suffice-priority": "urgent"})

    assert (answer.status, answer.document["error"]["param"]) == (400, "x-suffice-priority")


def test_a_hedged_request_is_answered_by_the_second_replica_and_the_first_call_is_recorded(tmp_path: Path) -> None:
    sections = {"upstream": {**PATIENT, "hedge_after_s": 0.1}}
    with run_fleet(tmp_path, n_small=2, sections=sections) as fleet:
        answers = [fleet.ask(f"{index}\n!hang on small-0", model=f"auto@{10 - index / 1000}") for index in range(10)]
        hedges = fleet.state_of_small()["retries"]["hedges"]
        wait_until(lambda: stats(fleet.small[0].address)["active"] == 0)
        wait_until(lambda: stats(fleet.small[1].address)["active"] == 0)
        query = "SELECT role, cost_usd > 0 FROM attempts WHERE error = 'upstream_outpaced'"
        outpaced: list[Any] = []

        def are_recorded() -> bool:
            with closing(sqlite3.connect(fleet.folder / RECORDS)) as store:
                outpaced[:] = store.execute(query).fetchall()
            return len(outpaced) == hedges

        wait_until(are_recorded)

    assert [tier_of(answer) for answer in answers] == [(200, "small")] * 10
    assert hedges >= 1
    assert set(outpaced) == {("draft", 1)}


def test_without_a_retry_budget_a_failure_goes_up_at_once(tmp_path: Path) -> None:
    sections = {"upstream": {"retry_budget": {"share": 0.0, "min_per_s": 0.0}}}
    with run_fleet(tmp_path, sections=sections) as fleet:
        answer = fleet.ask(f"!drop on {SMALL_MODEL}")

        assert tier_of(answer) == (200, "large")
        assert fleet.n_asked(SMALL_MODEL) == 1
        assert fleet.state_of_small()["retries"]["denied"] == 1


def test_passed_paths_are_among_the_replicas_too(tmp_path: Path) -> None:
    with run_loopback("--model", SMALL_MODEL) as upstream:
        passed = {"passthrough": {"/v1/embeddings": {"base_url": f"{upstream.address}/v1"}}}
        config = write_settings(tmp_path, small=[upstream.address], large=[upstream.address], sections=passed)
        with run_gateway(config) as gateway:
            ask_for_embedding(gateway)
            tiers = call(gateway.address, "GET", "/admin/replicas").document["tiers"]

    assert [(tier["tier"], tier["replicas"][0]["calls"]) for tier in tiers] == [
        ("small", 0),
        ("large", 0),
        ("/v1/embeddings", 1),
    ]


def ask_for_embedding(gateway: Server) -> None:
    assert post(gateway.address, "/v1/embeddings", {"model": SMALL_MODEL, "input": "a"}).status == 200
