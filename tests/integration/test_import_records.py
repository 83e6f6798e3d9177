import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from suffice.errors import DatasetError
from suffice.lab.dataset.sources import READERS, Collection, ImportOptions, LogFormat, collect, detect_format
from suffice.recording import Recorder
from suffice.recording.config import RecordingConfig
from suffice.testing.outcomes import make_outcome
from suffice.vocabulary import Outcome, Token

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who?"}]
TOKENS = (Token(text="No", logprob=-0.5, second_logprob=-1.5), Token(text="body", logprob=-0.1))


def record(folder: Path, *outcomes: Outcome) -> Path:
    recorder = Recorder(RecordingConfig(path="records.sqlite"), folder)
    for outcome in outcomes:
        recorder.observe(outcome)
    assert recorder.close(30.0)
    return recorder.path


def with_content(n: int, *answers: str | None, prompt: object = MESSAGES) -> Outcome:
    outcome = make_outcome(n, escalated=len(answers) > 1)
    outcome.prompt = json.dumps(prompt)
    for attempt, answer in zip(outcome.attempts, answers, strict=True):
        attempt.answer = answer
        attempt.tokens = TOKENS
    return outcome


def read(path: Path) -> Collection:
    return collect(READERS[LogFormat.RECORDS]([path], ImportOptions()))


def test_an_escalated_request_becomes_a_query_that_two_models_answered(tmp_path: Path) -> None:
    path = record(tmp_path, with_content(1, "Nobody", "The poet."))

    collection = read(path)

    (query,) = collection.queries.values()
    assert (query.query_id, list(query.conversation)) == ("req-00000001", MESSAGES)
    assert [(item.model, item.response, item.score, item.logprobs) for item in collection.outcomes] == [
        ("llama-8b", "Nobody", None, TOKENS),
        ("llama-70b", "The poet.", None, TOKENS),
    ]
    assert [(item.prompt_tokens, item.completion_tokens) for item in collection.outcomes] == [(800, 200)] * 2
    assert [item.cost_usd for item in collection.outcomes] == [0.0001, 0.0009]
    assert detect_format(path) is LogFormat.RECORDS


def test_a_label_is_the_score_of_the_served_answer_alone(tmp_path: Path) -> None:
    path = record(tmp_path, with_content(1, "Nobody", "The poet."))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE requests SET label = 1.0, label_source = 'feedback', category = 'people'")

    collection = read(path)

    assert [(outcome.score, outcome.label_source) for outcome in collection.outcomes] == [
        (None, None),
        (1.0, "feedback"),
    ]
    assert [query.category for query in collection.queries.values()] == ["people"]


def test_what_has_no_content_is_left_out_with_the_reason(tmp_path: Path) -> None:
    path = record(
        tmp_path,
        make_outcome(1),
        with_content(2, None),
        with_content(3, None, "The poet.", prompt="Once upon"),
        with_content(4, "Hm", prompt=[1, 2, 3]),
    )

    collection = read(path)

    report = collection.reports["records.sqlite"]
    assert report.left_out == {
        "without content: recording.content was off": 1,
        "a serve attempt without an answer": 1,
        "a draft attempt without an answer": 1,
    }
    assert [bad.where for bad in report.first_bad] == ["request req-00000004"]
    assert [(query.query_id, query.prompt is None) for query in collection.queries.values()] == [
        ("req-00000002", True),
        ("req-00000003", False),
    ]
    assert [outcome.response for outcome in collection.outcomes] == ["The poet."]


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")

    with pytest.raises(DatasetError, match="another program's database"):
        read(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.sqlite"
    path.write_bytes(b"SQLite format 3\x00 and then nothing of the kind" * 100)

    with pytest.raises(DatasetError, match="cannot be read as records"):
        read(path)
