import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from log_imports import conversations, only_report, queries_of, read_log, write_json, write_lines

from suffice.lab.dataset.sources import LogFormat, detect_format

SENT: list[dict[str, Any]] = [
    {"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": {}}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "rainy"}]},
]
ANSWERED = [{"role": "assistant", "parts": [{"type": "text", "content": "It rains."}], "finish_reason": "stop"}]
INSTRUCTIONS = [{"type": "text", "content": "Be brief."}]
CONVERSATION = [("system", "Be brief."), ("user", "Weather in Paris?"), ("assistant", ""), ("tool", "")]


def value(thing: Any) -> dict[str, Any]:
    """OTLP's `AnyValue`."""
    if isinstance(thing, dict):
        return {"kvlistValue": {"values": attributes(**cast("dict[str, Any]", thing))}}
    if isinstance(thing, list):
        return {"arrayValue": {"values": [value(item) for item in cast("list[Any]", thing)]}}
    if isinstance(thing, int):
        return {"intValue": str(thing)}
    return {"doubleValue": thing} if isinstance(thing, float) else {"stringValue": thing}


def attributes(**fields: Any) -> list[dict[str, Any]]:
    return [{"key": name, "value": value(thing)} for name, thing in fields.items()]


def span(*events: dict[str, Any], name: str = "a1b2", **fields: Any) -> dict[str, Any]:
    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024",
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 3,
    }
    return {"traceId": "t", "spanId": name, "attributes": attributes(**(common | fields)), "events": list(events)}


def export(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "openai"}, "spans": list(spans)}]}]}


CONTENT: dict[str, Any] = {
    "gen_ai.system_instructions": INSTRUCTIONS,
    "gen_ai.input.messages": SENT,
    "gen_ai.output.messages": ANSWERED,
}


@pytest.mark.parametrize("structured", [True, False])
def test_messages_on_spans_are_read_as_structures_and_as_json(tmp_path: Path, *, structured: bool) -> None:
    content = {name: thing if structured else json.dumps(thing) for name, thing in CONTENT.items()}
    log = write_lines(tmp_path / "traces.json", export(span(**content)))

    collection = read_log(LogFormat.OTEL, log)

    assert conversations(queries_of(collection)) == [CONVERSATION]
    (outcome,) = collection.outcomes
    assert (outcome.query_id, outcome.model, outcome.response) == ("a1b2", "gpt-4o-2024", "It rains.")
    assert (outcome.prompt_tokens, outcome.completion_tokens) == (11, 3)
    assert detect_format(log) is LogFormat.OTEL


def test_messages_on_the_details_event_are_read(tmp_path: Path) -> None:
    event = {"name": "gen_ai.client.inference.operation.details", "attributes": attributes(**CONTENT)}

    collection = read_log(LogFormat.OTEL, write_json(tmp_path / "traces.json", export(span(event))))

    assert conversations(queries_of(collection)) == [CONVERSATION]
    assert collection.outcomes[0].response == "It rains."


def test_messages_in_log_records_are_read(tmp_path: Path) -> None:
    record = {
        "eventName": "gen_ai.client.inference.operation.details",
        "spanId": "a1b2",
        "attributes": attributes(**CONTENT, **{"gen_ai.request.model": "gpt-4o"}),
    }
    document = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}

    collection = read_log(LogFormat.OTEL, write_lines(tmp_path / "logs.json", document))

    assert conversations(queries_of(collection)) == [CONVERSATION]
    assert collection.outcomes[0].model == "gpt-4o"


def older_events() -> Sequence[dict[str, Any]]:
    return [
        {"name": "gen_ai.system.message", "attributes": attributes(content="Be brief.")},
        {"name": "gen_ai.user.message", "attributes": attributes(content="Hello?")},
        {"name": "gen_ai.choice", "attributes": attributes(index=0, message=json.dumps({"content": "Hi."}))},
    ]


NUMBERED = {
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "Be brief.",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": "Hello?",
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "Hi.",
}


@pytest.mark.parametrize("old", [span(*older_events()), span(**NUMBERED)], ids=["events", "numbered"])
def test_older_conventions_are_read(old: dict[str, Any], tmp_path: Path) -> None:
    collection = read_log(LogFormat.OTEL, write_lines(tmp_path / "traces.json", export(old)))

    assert conversations(queries_of(collection)) == [[("system", "Be brief."), ("user", "Hello?")]]
    assert [outcome.response for outcome in collection.outcomes] == ["Hi."]


def test_other_spans_are_left_out_with_the_reason(tmp_path: Path) -> None:
    log = write_lines(
        tmp_path / "traces.json",
        export(
            span(name="1", **CONTENT),
            span(name="2"),
            span(name="3", **{"gen_ai.operation.name": "embeddings"}),
            span(name="4", **{"error.type": "timeout"}),
            {"spanId": "5", "attributes": attributes(**{"http.route": "/"})},
        ),
        "nonsense",
    )

    collection = read_log(LogFormat.OTEL, log)

    report = only_report(collection)
    assert report.left_out == {
        "without content: instrumentations record it when told to": 1,
        "an operation of kind embeddings": 1,
        "the call failed": 1,
        "not of a model: no gen_ai attributes": 1,
    }
    assert [bad.where for bad in report.first_bad] == ["line 2"]
    assert list(collection.queries) == ["1"]


def test_a_bad_span_is_named(tmp_path: Path) -> None:
    only_system = [{"role": "system", "parts": [{"type": "text", "content": "Be brief."}]}]
    bad = span(name="77", **{"gen_ai.input.messages": only_system, "gen_ai.output.messages": ANSWERED})

    collection = read_log(LogFormat.OTEL, write_lines(tmp_path / "traces.json", export(bad, span(**CONTENT))))

    assert [row.where for row in only_report(collection).first_bad] == ["line 1, span 77"]
