import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from log_imports import conversations, only_report, queries_of, read_log, write_json, write_lines, write_text

from suffice.errors import DatasetError
from suffice.lab.dataset.sources import Columns, ImportOptions, LogFormat, detect_format

MESSAGES = [{"role": "user", "content": "Hello?"}]
RESPONSE = {"model": "gpt-4o-2024", "choices": [{"message": {"role": "assistant", "content": "Hi."}}]}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV, with JSON in the cells that hold objects."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in row.items()}
        )
    return text.getvalue()


def spend(**fields: Any) -> dict[str, Any]:
    return {
        "request_id": "chatcmpl-1",
        "call_type": "acompletion",
        "spend": 0.00125,
        "total_tokens": 14,
        "prompt_tokens": 11,
        "completion_tokens": 3,
        "startTime": "2026-10-01T10:00:00.000Z",
        "model": "openai/gpt-4o",
        "messages": MESSAGES,
        "response": RESPONSE,
        "status": "success",
    } | fields


def generation(**fields: Any) -> dict[str, Any]:
    return {
        "id": "obs-1",
        "traceId": "trace-1",
        "type": "GENERATION",
        "name": "answer",
        "level": "DEFAULT",
        "model": "gpt-4o",
        "input": {"messages": MESSAGES},
        "output": {"role": "assistant", "content": "Hi."},
        "usageDetails": {"input": 11, "output": 3, "total": 14},
        "costDetails": {"total": 0.00125},
    } | fields


@pytest.mark.parametrize("form", ["json", "lines", "csv"])
def test_litellms_spend_logs_are_read_in_every_form(form: str, tmp_path: Path) -> None:
    log = tmp_path / "spend"
    rows = [spend()]
    if form == "json":
        write_json(log, rows)
    elif form == "lines":
        write_lines(log, *rows)
    else:
        write_text(log, table(rows))

    collection = read_log(LogFormat.LITELLM, log)

    assert queries_of(collection)[0].prompt == "Hello?"
    (outcome,) = collection.outcomes
    assert (outcome.query_id, outcome.model, outcome.response) == ("chatcmpl-1", "openai/gpt-4o", "Hi.")
    assert (outcome.prompt_tokens, outcome.completion_tokens, outcome.cost_usd) == (11, 3, 0.00125)
    assert detect_format(log) is LogFormat.LITELLM


def test_litellms_messages_may_stand_in_the_request_alone(tmp_path: Path) -> None:
    row = spend(messages={}, proxy_server_request={"model": "gpt-4o", "messages": MESSAGES})

    collection = read_log(LogFormat.LITELLM, write_lines(tmp_path / "spend", row))

    assert queries_of(collection)[0].prompt == "Hello?"


def test_litellms_rows_that_are_no_calls_with_content_are_left_out_with_the_reason(tmp_path: Path) -> None:
    log = write_lines(
        tmp_path / "spend",
        spend(messages={}, response={}),
        spend(call_type="aembedding"),
        spend(status="failure"),
        spend(messages=[7]),
        spend(request_id="chatcmpl-5"),
    )

    collection = read_log(LogFormat.LITELLM, log)

    report = only_report(collection)
    assert report.left_out == {
        "without content: LiteLLM stores it with store_prompts_in_spend_logs": 1,
        "a call of type aembedding": 1,
        "the call failed": 1,
    }
    assert [bad.where for bad in report.first_bad] == ["line 4"]
    assert list(collection.queries) == ["chatcmpl-5"]


@pytest.mark.parametrize("form", ["api", "pages", "blob", "csv"])
def test_langfuses_generations_are_read_in_every_form(form: str, tmp_path: Path) -> None:
    log = tmp_path / "observations"
    blob = {
        "id": "obs-1",
        "trace_id": "trace-1",
        "type": "GENERATION",
        "provided_model_name": "gpt-4o",
        "input": json.dumps(MESSAGES),
        "output": json.dumps(RESPONSE),
        "usage_details": {"input": 11, "output": 3},
        "total_cost": 0.00125,
    }
    if form == "api":
        write_json(log, {"data": [generation()], "meta": {"page": 1}})
    elif form == "pages":
        write_json(log, [generation(input=MESSAGES)])
    elif form == "blob":
        write_lines(log, blob)
    else:
        write_text(log, table([blob]))

    collection = read_log(LogFormat.LANGFUSE, log)

    assert conversations(queries_of(collection)) == [[("user", "Hello?")]]
    (outcome,) = collection.outcomes
    assert (outcome.query_id, outcome.model, outcome.response) == ("obs-1", "gpt-4o", "Hi.")
    assert (outcome.prompt_tokens, outcome.completion_tokens, outcome.cost_usd) == (11, 3, 0.00125)
    assert detect_format(log) is LogFormat.LANGFUSE


def test_langfuses_other_observations_are_left_out_with_the_reason(tmp_path: Path) -> None:
    log = write_lines(
        tmp_path / "observations",
        generation(type="SPAN"),
        generation(level="ERROR", output=None),
        generation(input=None),
        {"id": "score-1", "traceId": "trace-1", "name": "helpful", "value": 1},
        generation(id="obs-5", output=None),
    )

    collection = read_log(LogFormat.LANGFUSE, log)

    report = only_report(collection)
    assert report.left_out == {"an observation of type SPAN": 1, "the call failed": 1, "no observation": 1}
    assert [(bad.where, bad.field) for bad in report.first_bad] == [("line 3", "input")]
    assert (list(collection.queries), collection.outcomes) == (["obs-5"], [])


def test_a_table_with_named_columns(tmp_path: Path) -> None:
    rows = [
        {"nr": 1, "question": "One,\ntwo?", "llm": "small", "answer": "Three.", "grade": "0.5", "topic": "counting"},
        {"nr": 1, "question": "One,\ntwo?", "llm": "large", "answer": "Buckle.", "grade": "1", "topic": "counting"},
        {"nr": 2, "question": "Who?", "llm": "", "answer": "", "grade": "", "topic": ""},
        {"nr": 3, "question": "Why?", "llm": "small", "answer": "So.", "grade": "good", "topic": ""},
        {"nr": 4, "question": "", "llm": "small", "answer": "So.", "grade": "1", "topic": ""},
    ]
    names = Columns(prompt="question", model="llm", response="answer", score="grade", query_id="nr", category="topic")
    log = write_text(tmp_path / "answers.csv", table(rows) + "6,too short\n")

    collection = read_log(LogFormat.CSV, log, options=ImportOptions(columns=names))

    assert [(query.query_id, query.prompt, query.category) for query in queries_of(collection)] == [
        ("1", "One,\ntwo?", "counting"),
        ("2", "Who?", None),
    ]
    assert [(outcome.model, outcome.score, outcome.response) for outcome in collection.outcomes] == [
        ("small", 0.5, "Three."),
        ("large", 1.0, "Buckle."),
    ]
    bad = only_report(collection).first_bad
    assert [(row.where, row.field) for row in bad] == [("line 7", "grade"), ("line 8", "question"), ("line 9", None)]
    assert detect_format(log) is LogFormat.CSV


def test_a_table_without_the_named_column_is_refused_with_those_it_has(tmp_path: Path) -> None:
    log = write_text(tmp_path / "answers.csv", "question,model\nWho?,small\n")

    with pytest.raises(DatasetError, match=r"no column 'prompt' .* it has model, question: .* --prompt-column"):
        read_log(LogFormat.CSV, log)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00,\n", b'a,b\n"unclosed,1\n'])
def test_what_is_no_table_is_refused(content: bytes, tmp_path: Path) -> None:
    log = tmp_path / "answers.csv"
    log.write_bytes(content)

    with pytest.raises(DatasetError, match="cannot be read as a table"):
        read_log(LogFormat.CSV, log)


@pytest.mark.parametrize("content", ["Dear diary\n", '{"a": 1}\n'])
def test_a_file_that_looks_like_no_log_needs_its_format_named(content: str, tmp_path: Path) -> None:
    log = write_text(tmp_path / "log", content)

    with pytest.raises(DatasetError, match="name its format with --format: records, openai"):
        detect_format(log)
