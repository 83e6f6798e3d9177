import json
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest
from gateway_calls import FakeOutlet, Gateway

from suffice.errors import RecordingError
from suffice.recording.labels import Label
from suffice.server.auth import hash_key
from suffice.server.config import AuthConfig, KeyConfig

AUTH = AuthConfig(
    keys=[
        KeyConfig(name="bot", hash=hash_key("bot-key")),
        KeyConfig(name="ops", hash=hash_key("ops-key"), admin=True),
    ]
)


@dataclass
class Labels:
    """Keeps labels, and says of each what it is told to say."""

    answers: list[bool | Exception | None] = field(default_factory=lambda: [True])
    """The last one holds for all that follow."""
    kept: list[Label] = field(default_factory=list[Label])

    def label(self, label: Label) -> Future[bool] | None:
        self.kept.append(label)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            return None
        found: Future[bool] = Future()
        if isinstance(answer, Exception):
            found.set_exception(answer)
        else:
            found.set_result(answer)
        return found


def post(labels: Labels | None, document: object, *, key: str | None = None, **headers: str) -> FakeOutlet:
    gateway = Gateway(labels=labels, auth=AUTH if key is not None else AuthConfig())
    authorization = {"authorization": f"Bearer {key}"} if key else {}
    return gateway.ask("POST", "/v1/feedback", document, headers={**authorization, **headers})


@pytest.mark.parametrize(
    ("said", "score"), [({"score": 0.25}, 0.25), ({"rating": "up"}, 1.0), ({"rating": "down", "comment": "no"}, 0.0)]
)
def test_feedback_becomes_a_label(said: dict[str, Any], score: float) -> None:
    labels = Labels()

    outlet = post(labels, {"request_id": "r7", **said})

    assert outlet.status == 200
    assert outlet.document == {"request_id": "r7", "score": score, "label_source": "feedback"}
    assert labels.kept == [Label(request_id="r7", score=score, source="feedback", comment=said.get("comment"))]


@pytest.mark.parametrize(("key", "of_key"), [("bot-key", "bot"), ("ops-key", None)])
def test_a_client_labels_requests_of_its_own_key_and_an_admin_any(key: str, of_key: str | None) -> None:
    labels = Labels()

    assert post(labels, {"request_id": "r7", "score": 1}, key=key).status == 200

    assert [label.of_key for label in labels.kept] == [of_key]


def test_without_a_known_key_nothing_is_labelled() -> None:
    labels = Labels()

    assert post(labels, {"request_id": "r7", "score": 1}, key="guess").status == 401

    assert labels.kept == []


def test_a_request_that_is_not_there_is_looked_for_twice_and_then_a_clean_404() -> None:
    labels = Labels([False])

    outlet = post(labels, {"request_id": "r9", "score": 1})

    assert (outlet.status, len(labels.kept)) == (404, 2)
    error = outlet.document["error"]
    assert (error["type"], error["param"], error["code"]) == (
        "invalid_request_error",
        "request_id",
        "request_not_found",
    )
    assert "'r9'" in error["message"]


def test_a_request_that_is_written_just_then_is_found() -> None:
    assert post(Labels([False, True]), {"request_id": "r9", "score": 1}).status == 200


@pytest.mark.parametrize("answer", [None, RecordingError("locked")])
def test_a_store_that_cannot_take_it_asks_to_come_back(answer: Exception | None) -> None:
    outlet = post(Labels([answer]), {"request_id": "r9", "score": 1})

    assert outlet.status == 429
    assert outlet.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({"score": 1}, "request_id"),
        ({"request_id": "", "score": 1}, "request_id"),
        ({"request_id": "a b", "score": 1}, "request_id"),
        ({"request_id": "r", "score": 1.5}, "score"),
        ({"request_id": "r", "score": "good"}, "score"),
        ({"request_id": "r", "rating": "meh"}, "rating"),
        ({"request_id": "r"}, "score"),
        ({"request_id": "r", "score": 1, "rating": "up"}, "score"),
        ({"request_id": "r", "score": 1, "comment": "x" * 2001}, "comment"),
        ({"request_id": "r", "score": 1, "stars": 5}, "stars"),
        (b"[]", None),
        (b"{", None),
        (b'{"request_id":"r","score":NaN}', None),
    ],
)
def test_what_is_no_feedback_is_refused_with_its_field(document: object, param: str | None) -> None:
    labels = Labels()

    outlet = post(labels, document)

    assert outlet.status == 400
    assert outlet.document["error"]["param"] == param
    assert labels.kept == []


def test_a_body_has_a_bound_and_is_json() -> None:
    too_large = json.dumps({"request_id": "r", "score": 1, "comment": "x" * 20_000}).encode()

    assert post(Labels(), too_large).status == 413
    assert post(Labels(), {"request_id": "r", "score": 1}, **{"content-type": "text/plain"}).status == 415


def test_without_records_there_is_nothing_to_label() -> None:
    outlet = post(None, {"request_id": "r", "score": 1})

    assert (outlet.status, outlet.document["error"]["code"]) == (400, "recording_off")
