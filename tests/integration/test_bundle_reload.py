"""A bundle replaced while a gateway serves: nothing is dropped, and every record is of one bundle or the other."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from suffice.scoring.learned import Learned, load_learned
from suffice.testing import (
    LARGE_MODEL,
    RECORDS,
    SMALL_MODEL,
    Server,
    call,
    post,
    run_gateway,
    wait_until,
    write_settings,
)
from suffice.testing.bundles import write_random_bundle
from suffice.vocabulary import TierName, Turn

CHAT = "/v1/chat/completions"
MODELS = {TierName("small"): SMALL_MODEL, TierName("large"): LARGE_MODEL}
BALANCED = {5: 7.1, 7: 3.5}
"""Threshold of the first tier by the seed of a bundle's weights."""
PROMPTS = [f"Why do {n} zebras sleep, and who counted them {n} times?" for n in range(40)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A gateway by a bundle of its own."""

    gateway: Server
    folder: Path

    @property
    def bundle(self) -> Path:
        return self.folder / "b.bundle"

    def replace(self, seed: int, *, generic: bool = False) -> str:
        """Put another bundle in the file's place; returns its id."""
        return write_random_bundle(self.bundle, seed=seed, generic=generic, thresholds={"balanced": BALANCED[seed]}).id

    def in_force(self) -> Any:
        return call(self.gateway.address, "GET", "/admin/bundle").document

    def wait_for(self, bundle_id: str) -> None:
        wait_until(lambda: self.in_force()["id"] == bundle_id)

    def metric(self, line: str) -> bool:
        return f"\n{line}\n" in call(self.gateway.address, "GET", "/metrics").body.decode()


Start = Callable[..., Any]


@pytest.fixture
def start(small_upstream: Server, large_upstream: Server, tmp_path: Path) -> Start:
    @contextmanager
    def run(*, generic: bool = False, **sections: Mapping[str, Any]) -> Generator[Scene]:
        write_random_bundle(tmp_path / "b.bundle", seed=5, generic=generic, thresholds={"balanced": BALANCED[5]})
        config = write_settings(
            tmp_path,
            small=[small_upstream.address],
            large=[large_upstream.address],
            sections={
                **sections,
                "scorer": {"kind": "learned", "bundle": "b.bundle", "reload_s": 0.05},
                "recording": {"content": True},
                "routing": {"mode": "route", "max_complexity": {}, **sections.get("routing", {})},
            },
        )
        with run_gateway(config, "--log-level", "info") as gateway:
            yield Scene(gateway=gateway, folder=tmp_path)

    return run


def load_both(folder: Path) -> dict[str, tuple[Learned, float]]:
    """The scorers of both bundles and their thresholds, by id."""
    known: dict[str, tuple[Learned, float]] = {}
    for seed, balanced in BALANCED.items():
        path = folder / f"seed-{seed}"
        write_random_bundle(path, seed=seed, thresholds={"balanced": balanced})
        learned = load_learned(path, MODELS)
        known[learned.bundle_id] = (learned, balanced)
    return known


def read_records(folder: Path) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(folder / RECORDS)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute("SELECT * FROM requests WHERE endpoint = ?", (CHAT,)).fetchall()


async def ask_again_and_again(
    session: aiohttp.ClientSession, number: int, is_over: asyncio.Event
) -> list[tuple[str, str, float]]:
    """Ask until it is over; returns prompt, bundle and complexity of each answer."""
    told: list[tuple[str, str, float]] = []
    streams = number % 2 == 0
    while not is_over.is_set() or not told:
        text = PROMPTS[(number + len(told)) % len(PROMPTS)]
        body = {"model": "auto", "messages": [{"role": "user", "content": text}], "stream": streams}
        async with session.post(CHAT, json=body, headers={"x-suffice-debug": "1"}) as answer:
            content = await answer.read()
        assert answer.status == 200, content
        assert content.endswith(b"data: [DONE]\n\n") == streams
        told.append((text, answer.headers["x-suffice-bundle"], float(answer.headers["x-suffice-complexity"])))
    return told


async def load_while(address: str, n_clients: int, swap: Callable[[], None]) -> list[tuple[str, str, float]]:
    """Let many clients ask while something is done."""
    is_over = asyncio.Event()
    connector = aiohttp.TCPConnector(limit=n_clients)
    async with aiohttp.ClientSession(address, connector=connector) as session, asyncio.TaskGroup() as tasks:
        clients = [tasks.create_task(ask_again_and_again(session, n, is_over)) for n in range(n_clients)]
        await asyncio.to_thread(swap)
        is_over.set()
    return [one for client in clients for one in client.result()]


@pytest.mark.parametrize(("n_clients", "n_swaps"), [(30, 6), pytest.param(200, 20, marks=pytest.mark.load)])
def test_bundles_are_swapped_under_load_and_no_request_is_dropped_or_mixed_up(
    start: Start, tmp_path: Path, n_clients: int, n_swaps: int
) -> None:
    with start() as scene:

        def swap() -> None:
            for turn in range(n_swaps):
                scene.wait_for(scene.replace(7 if turn % 2 == 0 else 5))

        told = asyncio.run(load_while(scene.gateway.address, n_clients, swap))

        assert scene.metric(f'suffice_bundle_reloads_total{{outcome="swapped"}} {n_swaps}.0')
    known, records = load_both(tmp_path), read_records(tmp_path)
    assert len(told) == len(records)
    assert {bundle for _, bundle, _ in told} == {record["bundle_id"] for record in records} == set(known)
    for text, bundle, complexity in told:
        assert complexity == pytest.approx(score(known[bundle][0], text).complexity, abs=0.0051)
    for record in records:
        learned, balanced = known[record["bundle_id"]]
        text = json.loads(record["prompt"])[0]["content"]
        expected = score(learned, text)
        assert (record["error"], record["cancelled"], record["scorer"]) == (None, 0, learned.version)
        assert record["complexity"] == expected.complexity
        assert json.loads(record["p_ok"]) == expected.p_ok
        assert json.loads(record["thresholds"]) == {"small": balanced}
        assert record["tier"] == ("small" if expected.complexity <= balanced else "large")
    assert {record["cache"] for record in records} == {"hit", "miss"}


def score(learned: Learned, text: str) -> Any:
    return learned.score(Turn(text=text, n_tokens=1))


def test_a_file_that_is_cut_off_in_the_middle_leaves_the_old_one_in_force(start: Start) -> None:
    with start() as scene:
        before = scene.in_force()["id"]
        whole = write_random_bundle(scene.folder / "next", seed=7, thresholds={"balanced": 3.5})
        content = (scene.folder / "next").read_bytes()

        for size, reason in ((0, "is empty"), (100, "cut off in its header"), (len(content) // 2, "arrays cannot be")):
            scene.bundle.write_bytes(content[:size])
            wait_until(lambda: reason in (scene.in_force()["last_refusal"] or ""))  # noqa: B023 - called at once
            assert scene.in_force()["id"] == before
            assert post(scene.gateway.address, CHAT, {"model": "auto", "messages": [USER]}).status == 200
        scene.bundle.write_bytes(content)
        scene.wait_for(whole.id)

        assert scene.in_force()["last_refusal"] is None
        assert scene.in_force()["max_complexity"] == {"small": 3.5}
    log = "".join(scene.gateway.output)
    assert f"bundle {before} stays in force: scorer.bundle: bundle" in log
    assert f"bundle {whole.id} is in force, in place of {before}" in log
    assert "Traceback" not in log


USER = {"role": "user", "content": "Why do zebras sleep?"}


def test_a_deleted_file_leaves_the_old_one_in_force(start: Start) -> None:
    with start() as scene:
        scene.bundle.unlink()
        wait_until(lambda: scene.in_force()["last_refusal"] is not None)

        answer = post(scene.gateway.address, CHAT, {"model": "auto", "messages": [USER]})

        assert answer.status == 200
        assert "cannot be read" in scene.in_force()["last_refusal"]
        assert scene.metric('suffice_bundle_reloads_total{outcome="refused"} 1.0')


def test_a_generic_bundle_does_not_take_over_what_is_routed(start: Start) -> None:
    with start() as scene:
        before = scene.in_force()["id"]
        scene.replace(7, generic=True)

        answer = post(scene.gateway.address, "/admin/reload", {})

        assert (answer.status, answer.document["error"]["code"]) == (409, "conflict")
        assert "accept_generic_bundle: true" in answer.document["error"]["message"]
        assert scene.in_force()["id"] == before


def test_a_generic_bundle_does_not_take_over_where_routing_was_switched_on(start: Start) -> None:
    with start(routing={"mode": "observe"}) as scene:
        call(scene.gateway.address, "PUT", "/admin/mode", b'{"mode":"route"}')
        before = scene.in_force()["id"]
        generic = scene.replace(7, generic=True)

        refused = post(scene.gateway.address, "/admin/reload", {})
        call(scene.gateway.address, "PUT", "/admin/mode", b'{"mode":"observe"}')
        taken = post(scene.gateway.address, "/admin/reload", {})

        assert (refused.status, before != generic) == (409, True)
        assert "the mode is route" in refused.document["error"]["message"]
        assert (taken.status, taken.document["id"], taken.document["observe_only"]) == (200, generic, True)
