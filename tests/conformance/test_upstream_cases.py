"""HTTP towards upstreams: whatever one sends, the client gets the right answer or an error, and the next its own."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from hostile_upstream import HostileUpstream, run_hostile
from upstream_cases import Got, UpstreamCase, upstream_cases

from suffice.testing import RawAnswer, Server, call, post, read_events, run_gateway, wait_until, write_settings

CASES = upstream_cases()
DONE = b"data: [DONE]\n\n"
FORM = {"message", "type", "param", "code"}
PATIENCE = {
    "connect_timeout_s": 2.0,
    "first_byte_timeout_s": 1.0,
    "idle_timeout_s": 1.0,
    "retries": 0,
    "backoff_s": 0.01,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A gateway over one hostile upstream."""

    gateway: Server
    upstream: HostileUpstream

    def ask(self, text: str, *, stream: bool = False) -> RawAnswer:
        body = {"model": "small", "stream": stream, "messages": [{"role": "user", "content": text}]}
        return post(self.gateway.address, "/v1/chat/completions", body)

    def n_sockets(self) -> int:
        return len(psutil.Process(self.gateway.process.pid).net_connections("tcp"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    with run_hostile({case.name: case for case in CASES}) as upstream:
        folder = tmp_path_factory.mktemp("hostile")
        address = upstream.address
        sections: dict[str, Any] = {"upstream": PATIENCE, "escalation": {"enabled": False}}
        config = write_settings(folder, small=[address], large=[address], sections=sections)
        with run_gateway(config) as gateway:
            yield Scene(gateway, upstream)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_client_gets_the_answer_or_an_error_and_the_next_one_its_own(case: UpstreamCase, scene: Scene) -> None:
    scene.upstream.ready.clear()

    got = read(scene.ask(case.name, stream=case.stream))

    assert got in case.got
    assert scene.upstream.ready.wait(10)
    time.sleep(0.02)  # for what came last to arrive; that it came too late would show nothing
    after = scene.ask(f"after {case.name}")
    assert (after.status, content(after)) == (200, f"after {case.name}")
    if not case.may_reuse:
        assert scene.upstream.connection_of(f"after {case.name}") != scene.upstream.connection_of(case.name)


def test_a_good_connection_is_used_again(scene: Scene) -> None:
    for text in ("one", "two"):
        scene.ask(text)

    assert scene.upstream.connection_of("one") == scene.upstream.connection_of("two")


def test_no_two_cases_are_alike() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_nothing_is_left_behind(scene: Scene) -> None:
    for case in CASES[:20]:
        scene.ask(case.name)

    wait_until(lambda: scene.n_sockets() < 8)
    assert "Traceback" not in "".join(scene.gateway.output)
    metrics = call(scene.gateway.address, "GET", "/metrics").body.decode()
    in_flight = [line for line in metrics.splitlines() if "in_flight" in line and not line.startswith("#")]
    assert in_flight
    assert all(float(line.rpartition(" ")[2]) == 0 for line in in_flight)


def read(answer: RawAnswer) -> Got | str:
    """What a client makes of an answer; anything that no case allows as it is."""
    if answer.status in {502, 504} and set(answer.document["error"]) == FORM:
        return Got.FAILED
    if answer.status != 200 or not answer.whole:
        return f"{answer.status}, {answer.headers}: {answer.body[:300]!r}"
    if "text/event-stream" in answer.headers["content-type"]:
        return _read_stream(answer)
    return Got.RIGHT if content(answer) == "right" else f"{answer.body[:300]!r}"


def _read_stream(answer: RawAnswer) -> Got | str:
    # Nobody reads on after the end mark.
    before, is_done, _ = answer.body.partition(DONE)
    found = read_events(before)
    if not is_done and set(found[-1].get("error", ())) == FORM:
        return Got.BROKEN
    text = "".join(choice["delta"].get("content", "") for event in found for choice in event["choices"])
    return Got.RIGHT if is_done and text == "right" else f"{answer.body!r}"


def content(answer: RawAnswer) -> str | None:
    try:
        return answer.document["choices"][0]["message"]["content"]
    except (ValueError, KeyError):
        return None
