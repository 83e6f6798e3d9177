"""Labels on records: through the recorder's thread, and posted to a running gateway."""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from suffice.errors import RecordingError
from suffice.lab.dataset.sources import READERS, ImportOptions, LogFormat, collect
from suffice.recording import Label, Recorder
from suffice.recording.config import RecordingConfig
from suffice.recording.labels import MAX_WAITING, LabelQueue
from suffice.server.auth import hash_key
from suffice.testing import RawAnswer, Server, post, run_gateway, write_settings
from suffice.testing.outcomes import make_outcome

WAIT_S = 30.0


@pytest.fixture
def recorder(tmp_path: Path) -> Generator[Recorder]:
    recorder = Recorder(RecordingConfig(path="records.sqlite"), tmp_path, clock=lambda: 1_795_000_000.0)
    yield recorder
    recorder.close(10.0)


def label(request_id: str, score: float = 1.0, **fields: Any) -> Label:
    return Label(request_id=request_id, score=score, source="feedback", **fields)


def give(recorder: Recorder, given: Label) -> bool:
    found = recorder.label(given)
    assert found is not None
    return found.result(WAIT_S)


def labels_of(path: Path) -> dict[str, tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT id, label, label_source, label_comment FROM requests")
        return {row[0]: row[1:] for row in rows}


def test_a_request_that_still_waits_to_be_written_is_labelled(recorder: Recorder) -> None:
    for n in range(600):  # more than two batches
        recorder.observe(make_outcome(n))

    found = give(recorder, label("req-00000599", 0.25, comment="slow"))

    assert found
    assert labels_of(recorder.path)["req-00000599"] == (0.25, "feedback", "slow")


def test_a_later_label_takes_the_place_of_an_earlier_one(recorder: Recorder) -> None:
    recorder.observe(make_outcome(1))

    assert give(recorder, label("req-00000001", 0.0, comment="wrong"))
    assert give(recorder, label("req-00000001", 1.0))

    assert labels_of(recorder.path)["req-00000001"] == (1.0, "feedback", None)


def test_only_requests_of_the_right_key_are_found(recorder: Recorder) -> None:
    recorder.observe(make_outcome(1))  # of the key `team-a`

    assert not give(recorder, label("req-00000001", of_key="team-b"))
    assert not give(recorder, label("req-00000002"))
    assert give(recorder, label("req-00000001", of_key="team-a"))


def test_an_odd_value_is_told_to_whoever_gave_it_and_stops_nothing(recorder: Recorder) -> None:
    recorder.observe(make_outcome(1))
    odd = recorder.label(label("req-00000001", comment="\ud800"))

    assert odd is not None
    with pytest.raises(UnicodeEncodeError):
        odd.result(WAIT_S)
    assert give(recorder, label("req-00000001"))


def test_the_last_labels_are_written_at_the_end_and_none_after_it(recorder: Recorder) -> None:
    recorder.observe(make_outcome(1))
    last = recorder.label(label("req-00000001"))

    recorder.close(WAIT_S)

    assert last is not None
    assert last.result(WAIT_S)


def test_whoever_waits_at_the_end_is_told(tmp_path: Path) -> None:
    queue = LabelQueue()
    waiting = queue.put(label("a"), n_observed=5)
    given_up = queue.put(label("b"), n_observed=5)
    assert waiting is not None
    assert given_up is not None
    given_up.cancel()

    queue.refuse_all(RecordingError("over"))

    with pytest.raises(RecordingError, match="over"):
        waiting.result(0.0)


def test_the_queue_is_bounded_and_leaves_out_who_gave_up() -> None:
    queue = LabelQueue(2)
    first, second = queue.put(label("a"), n_observed=1), queue.put(label("b"), n_observed=2)
    assert first is not None
    assert second is not None

    assert queue.put(label("c"), n_observed=2) is None
    assert [waiting.label.request_id for waiting in queue.take(n_settled=1)] == ["a"]
    second.cancel()
    assert queue.take(n_settled=9) == []
    assert MAX_WAITING >= 100


KEYS = {"bot": "bot-key", "other": "other-key", "ops": "ops-key"}


@pytest.fixture(scope="module")
def guarded(small_upstream: Server, large_upstream: Server, tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    path = write_settings(
        tmp_path_factory.mktemp("feedback"),
        small=[small_upstream.address],
        large=[large_upstream.address],
        sections={"recording": {"content": True}},
    )
    document = yaml.safe_load(path.read_text("utf-8"))
    keys = [{"name": name, "hash": hash_key(key), "admin": name == "ops"} for name, key in KEYS.items()]
    path.write_text(yaml.safe_dump({**document, "auth": {"keys": keys}}), "utf-8")
    with run_gateway(path) as gateway:
        yield gateway.address, path.with_name("records.sqlite")


def ask(address: str, path: str, document: Any, *, key: str) -> RawAnswer:
    return post(address, path, document, headers={"authorization": f"Bearer {KEYS[key]}"})


def chat(address: str, text: str, *, key: str = "bot") -> str:
    answer = ask(
        address, "/v1/chat/completions", {"model": "small", "messages": [{"role": "user", "content": text}]}, key=key
    )
    assert answer.status == 200
    return answer.headers["x-suffice-request-id"]


def test_feedback_on_an_answer_of_a_moment_ago_reaches_the_dataset(guarded: Any) -> None:
    address, path = guarded
    ids = [chat(address, f"Question {n}?") for n in range(3)]

    answers = [
        ask(address, "/v1/feedback", {"request_id": ids[0], "rating": "up"}, key="bot"),
        ask(address, "/v1/feedback", {"request_id": ids[1], "score": 0.25, "comment": "half of it"}, key="ops"),
    ]

    assert [answer.status for answer in answers] == [200, 200]
    collection = collect(READERS[LogFormat.RECORDS]([path], ImportOptions()))
    by_query = {outcome.query_id: (outcome.score, outcome.label_source) for outcome in collection.outcomes}
    assert by_query[ids[0]] == (1.0, "feedback")
    assert by_query[ids[1]] == (0.25, "feedback")
    assert labels_of(path)[ids[1]] == (0.25, "feedback", "half of it")


def test_another_clients_request_is_as_good_as_not_there(guarded: Any) -> None:
    address, path = guarded
    request_id = chat(address, "Mine?")

    foreign = ask(address, "/v1/feedback", {"request_id": request_id, "rating": "down"}, key="other")
    unknown = ask(address, "/v1/feedback", {"request_id": "f" * 32, "rating": "down"}, key="other")

    assert (foreign.status, unknown.status) == (404, 404)
    assert foreign.document["error"]["code"] == unknown.document["error"]["code"] == "request_not_found"
    assert labels_of(path)[request_id] == (None, None, None)
