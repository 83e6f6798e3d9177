"""Upstreams that fail: before the first byte somebody else answers, after it the client is told."""

import sqlite3
import threading
from collections.abc import Generator
from contextlib import closing
from typing import Any

import openai
import pytest
from fleets import Fleet, run_fleet
from streaming_clients import connect, read_until, request_bytes

from suffice.testing import LARGE_MODEL, RECORDS, SMALL_MODEL, RawAnswer, read_events, stats, wait_until

ERROR_FORM = {"message", "type", "param", "code"}


@pytest.fixture(scope="module")
def shared_fleet(tmp_path_factory: pytest.TempPathFactory) -> Generator[Fleet]:
    with run_fleet(tmp_path_factory.mktemp("chaos")) as started:
        yield started


@pytest.fixture
def fleet(shared_fleet: Fleet) -> Fleet:
    """One replica of `small` and one of `large`, their counts at zero."""
    shared_fleet.reset()
    return shared_fleet


def assert_broken_off(answer: RawAnswer) -> None:
    """The stream began well and ended with an error event, and with nothing after it."""
    events = read_events(answer.body)
    assert answer.status == 200
    assert events[0]["choices"]
    assert set(events[-1]["error"]) == ERROR_FORM
    assert answer.body.count(b"event: error\n") == 1
    assert b"[DONE]" not in answer.body


def tier_of(answer: RawAnswer) -> tuple[int, str]:
    return answer.status, answer.headers["x-suffice-tier"]


def model_of(answer: RawAnswer, *, stream: bool) -> str:
    document: dict[str, Any] = read_events(answer.body)[0] if stream else answer.document
    return document["model"]


EARLY_FAILURES = [
    "!status 500",
    "!status 502",
    "!status 503",
    "!status 429 0.01",
    "!status 401",
    "!status 404",
    "!drop",
    "!hang",
    "!cut 0",
    "!stall 0",
    "!garbage",
    "!context 3 vllm",
    "!context 3 openai",
]


@pytest.mark.parametrize(
    ("order", "stream"),
    [*((order, stream) for order in EARLY_FAILURES for stream in (False, True)), ("!end 0", True), ("!error 0", True)],
)
def test_a_failure_before_the_first_byte_is_answered_by_the_next_tier_up(
    order: str,
    stream: bool,  # noqa: FBT001 - a parameter of the test
    fleet: Fleet,
) -> None:
    answer = fleet.ask(f"{order} on {SMALL_MODEL}", stream=stream)

    assert tier_of(answer) == (200, "large")
    assert model_of(answer, stream=stream) == LARGE_MODEL
    assert SMALL_MODEL.encode() not in answer.body
    assert fleet.n_asked(SMALL_MODEL) >= 1


@pytest.mark.parametrize("order", ["!length long", "!length short"])
def test_a_plain_answer_that_is_not_as_long_as_it_says_is_answered_by_the_next_tier_up(
    order: str, fleet: Fleet
) -> None:
    answer = fleet.ask(f"{order} on {SMALL_MODEL}")

    assert tier_of(answer) == (200, "large")


@pytest.mark.parametrize(
    ("order", "n_small"),
    [("!status 503", 3), ("!drop", 3), ("!status 503 first 2", 3), ("!status 503 first 1", 2), ("!context 3", 1)],
)
def test_the_same_tier_is_tried_again_as_often_as_the_configuration_says(
    order: str, n_small: int, fleet: Fleet
) -> None:
    parts = order.partition(" first")
    text = f"{parts[0]} on {SMALL_MODEL}{parts[1]}{parts[2]}\nagain"

    answer = fleet.ask(text)

    assert answer.status == 200
    assert fleet.n_asked(SMALL_MODEL) == n_small
    assert fleet.n_asked(LARGE_MODEL) == (0 if "first" in order else 1)


def test_a_request_that_only_its_client_can_mend_is_not_tried_again(fleet: Fleet) -> None:
    answer = fleet.ask("!status 422")

    assert answer.status == 422
    assert (fleet.n_asked(SMALL_MODEL), fleet.n_asked(LARGE_MODEL)) == (1, 0)


@pytest.mark.parametrize(
    ("order", "status"),
    [("!status 500", 502), ("!drop", 502), ("!hang", 504), ("!status 429 0.01", 429), ("!garbage", 502)],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_where_every_tier_fails_the_client_gets_an_error_in_the_usual_form(
    order: str,
    status: int,
    stream: bool,  # noqa: FBT001 - a parameter of the test
    fleet: Fleet,
) -> None:
    answer = fleet.ask(order, stream=stream)

    assert answer.status == status
    assert set(answer.document["error"]) == ERROR_FORM
    assert ("retry-after" in answer.headers) == (status == 429)


def test_a_context_error_of_the_last_tier_arrives_as_it_was_written(fleet: Fleet) -> None:
    answer = fleet.ask("!context 3 openai")

    assert answer.status == 400
    assert answer.document["error"]["code"] == "context_length_exceeded"
    assert (fleet.n_asked(SMALL_MODEL), fleet.n_asked(LARGE_MODEL)) == (1, 1)


@pytest.mark.parametrize("order", ["!cut 4", "!end 4", "!stall 4", "!error 4 openai", "!error 4 vllm"])
def test_a_stream_that_breaks_ends_with_an_error_event_and_no_done(order: str, fleet: Fleet) -> None:
    answer = fleet.ask(f"{order}\n!slow 0.05", stream=True)

    assert_broken_off(answer)
    assert fleet.n_asked(LARGE_MODEL) == 0


def test_a_whole_stream_without_done_gets_no_done_from_us(fleet: Fleet) -> None:
    answer = fleet.ask("!nodone", stream=True)

    assert b"[DONE]" not in answer.body
    assert read_events(answer.body)[-1]["choices"][0]["finish_reason"] == "stop"


def test_the_sdk_raises_where_a_stream_breaks(fleet: Fleet) -> None:
    with openai.OpenAI(base_url=f"{fleet.gateway.address}/v1", api_key="sk-any", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="auto@10", stream=True, messages=[{"role": "user", "content": "!cut 5"}]
        )

        with pytest.raises(openai.APIError, match="broke off"):
            list(stream)

    assert stream.response.is_closed


def test_a_named_tier_that_fails_is_an_error_and_never_another_model(fleet: Fleet) -> None:
    answer = fleet.ask("!status 500", model="small")

    assert answer.status == 502
    assert fleet.n_asked(LARGE_MODEL) == 0


class Asking(threading.Thread):
    """A request under way, whose upstream is about to die."""

    def __init__(self, fleet: Fleet, text: str, **fields: Any) -> None:
        super().__init__()
        self._ask = lambda: fleet.ask(text, **fields)
        self.answer: RawAnswer | None = None

    def run(self) -> None:
        self.answer = self._ask()

    def finished(self) -> RawAnswer:
        self.join(20)
        assert self.answer is not None, "no answer came"
        return self.answer


def test_killing_the_upstream_in_mid_stream_tells_the_client(tmp_path: Any) -> None:
    with (
        run_fleet(tmp_path) as fleet,
        connect(fleet.gateway, request_bytes("!words 1000\n!slow 0.02", stream=True)) as client,
    ):
        begun = read_until(client, b'"content":" ')

        fleet.small[0].kill()
        rest = read_until(client, b"\r\n0\r\n\r\n")

        assert b'event: error\ndata: {"error":' in rest
        assert b"[DONE]" not in begun + rest
        assert fleet.n_asked(LARGE_MODEL) == 0


def test_killing_one_replica_before_the_first_byte_moves_the_request_to_another(tmp_path: Any) -> None:
    patient = {"upstream": {"first_byte_timeout_s": 10.0}}
    with run_fleet(tmp_path, n_small=2, sections=patient) as fleet:
        asking = Asking(fleet, "!sleep 1")
        asking.start()
        wait_until(lambda: any(stats(server.address)["active"] for server in fleet.small))
        busy = next(server for server in fleet.small if stats(server.address)["active"])

        busy.kill()

        assert tier_of(asking.finished()) == (200, "small")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_killing_the_only_replica_before_the_first_byte_moves_the_request_up(
    stream: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Any,
) -> None:
    patient = {"upstream": {"first_byte_timeout_s": 10.0}}
    with run_fleet(tmp_path, sections=patient) as fleet:
        asking = Asking(fleet, f"!hang on {SMALL_MODEL}", stream=stream)
        asking.start()
        wait_until(lambda: stats(fleet.small[0].address)["active"] == 1)

        fleet.small[0].kill()

        assert tier_of(asking.finished()) == (200, "large")


def test_dead_replicas_are_walked_round_and_then_the_next_tier_answers(tmp_path: Any) -> None:
    with run_fleet(tmp_path, n_small=2) as fleet:
        fleet.small[0].kill()
        with_one = [tier_of(fleet.ask(f"request {index}")) for index in range(20)]

        fleet.small[1].kill()
        with_none = [tier_of(fleet.ask(f"request {index}")) for index in range(3)]

    assert with_one == [(200, "small")] * 20
    assert with_none == [(200, "large")] * 3


def test_failed_tries_are_recorded_beside_the_one_that_served(fleet: Fleet) -> None:
    fleet.ask(f"!drop on {SMALL_MODEL}", model="auto@9.5")

    rows = wait_for_attempts(fleet, "auto@9.5", n=4)
    assert rows == [*[("draft", "small", "upstream_failed", True)] * 3, ("serve", "large", None, False)]


def test_each_try_is_recorded_with_the_status_that_the_upstream_gave_it(fleet: Fleet) -> None:
    fleet.ask(f"!status 503 on {SMALL_MODEL}", model="auto@9.75")

    wait_for_attempts(fleet, "auto@9.75", n=4)
    with closing(sqlite3.connect(fleet.folder / RECORDS)) as store:
        query = "SELECT attempts.status FROM attempts JOIN requests ON requests.id = request_id WHERE model_asked = ?"
        statuses = [row[0] for row in store.execute(f"{query} ORDER BY seq", ("auto@9.75",))]
    assert statuses == [503, 503, 503, 200]


def test_a_stream_that_broke_is_recorded_with_its_error_and_its_cost(fleet: Fleet) -> None:
    fleet.ask("!cut 4\n!slow 0.05", stream=True, model="auto@9.25")

    assert wait_for_attempts(fleet, "auto@9.25", n=1) == [("serve", "small", "upstream_broken", False)]


def wait_for_attempts(fleet: Fleet, model_asked: str, *, n: int) -> list[tuple[str, str, str | None, bool]]:
    """Role, tier, error and whether it was free, of the attempts of the only request with this model."""
    query = """SELECT role, attempts.tier, attempts.error, attempts.cost_usd = 0 FROM attempts
               JOIN requests ON requests.id = request_id WHERE model_asked = ? ORDER BY seq"""
    rows: list[tuple[str, str, str | None, bool]] = []

    def have_come() -> bool:
        with closing(sqlite3.connect(fleet.folder / RECORDS)) as store:
            rows[:] = [(*row[:3], bool(row[3])) for row in store.execute(query, (model_asked,))]
        return len(rows) >= n

    wait_until(have_come)
    return rows
