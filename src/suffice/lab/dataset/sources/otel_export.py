"""OpenTelemetry's GenAI spans and events in OTLP's JSON form, as collectors write them to files.

Content is read where the conventions put it now (`gen_ai.input.messages` and `gen_ai.output.messages`, on spans or on
the event `gen_ai.client.inference.operation.details`), and where they put it before: events for each message
(`gen_ai.user.message`, `gen_ai.choice`), and numbered attributes (`gen_ai.prompt.0.content`).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.sources.call import Call, Entry, ImportOptions, Skipped
from suffice.lab.dataset.sources.documents import read_documents
from suffice.lab.dataset.sources.values import as_count, as_list, as_mapping, as_number, as_text, drop_none

_OPERATIONS = {"chat", "text_completion", "generate_content"}
_DETAILS = "gen_ai.client.inference.operation.details"
_MESSAGE_EVENTS = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}

Message = dict[str, Any]


def read_otel(paths: Sequence[Path], options: ImportOptions) -> Iterator[Entry]:
    """The calls in some files.

    Raises:
        DatasetError: A file cannot be read.
    """
    for path in paths:
        for placed in read_documents(path):
            if isinstance(placed.row, RowError):
                yield Entry(source=path.name, where=placed.where, content=placed.row)
                continue
            for name, item in _items(placed.row):
                yield Entry(source=path.name, where=f"{placed.where}, {name}", content=_read_item(item, options))


def _items(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every span and log record, with what it is called in reports."""
    for resources, scopes, items, kind in (
        ("resourceSpans", "scopeSpans", "spans", "span"),
        ("resourceLogs", "scopeLogs", "logRecords", "log record"),
    ):
        number = 0
        for resource in map(as_mapping, as_list(document.get(resources))):
            for scope in map(as_mapping, as_list(resource.get(scopes))):
                for item in map(as_mapping, as_list(scope.get(items))):
                    number += 1
                    yield f"{kind} {item.get('spanId') or number}", item


def _read_item(item: Mapping[str, Any], options: ImportOptions) -> Call | Skipped | RowError:
    attributes = _read_attributes(item.get("attributes"))
    if not any(name.startswith("gen_ai.") for name in attributes):
        return Skipped("not of a model: no gen_ai attributes")
    operation = as_text(attributes.get("gen_ai.operation.name")) or "chat"
    if operation not in _OPERATIONS:
        return Skipped(f"an operation of kind {operation}")
    if "error.type" in attributes:
        return Skipped("the call failed")
    sent, answered = _read_content(item, attributes)
    if not sent:
        return Skipped("without content: instrumentations record it when told to")
    answer = _read_answer(answered, attributes, options) if answered else None
    name = as_text(attributes.get("gen_ai.response.id")) or as_text(item.get("spanId"))
    return Call(messages=tuple(sent), answer=answer, name=name)


def _read_content(item: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[list[Message], list[Message]]:
    """What was sent and what came back."""
    events = [as_mapping(event) for event in as_list(item.get("events"))]
    details = [_read_attributes(event.get("attributes")) for event in events if event.get("name") == _DETAILS]
    for holder in (attributes, *details):
        sent = _read_parts(holder.get("gen_ai.input.messages"))
        if sent:
            instructions = _join_parts(as_list(holder.get("gen_ai.system_instructions")))
            system = [{"role": "system", "content": instructions}] if instructions else []
            return [*system, *sent], _read_parts(holder.get("gen_ai.output.messages"))
    sent = _read_numbered(attributes, "gen_ai.prompt")
    return (sent, _read_numbered(attributes, "gen_ai.completion")) if sent else _read_events(events)


def _read_answer(answered: Sequence[Message], attributes: Mapping[str, Any], options: ImportOptions) -> dict[str, Any]:
    def first(*names: str) -> Any:
        return next((attributes[name] for name in names if name in attributes), None)

    return drop_none(
        model=as_text(first("gen_ai.response.model", "gen_ai.request.model")) or options.model,
        response=as_text(answered[0].get("content")),
        prompt_tokens=as_count(first("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")),
        completion_tokens=as_count(first("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")),
        cost_usd=as_number(first("gen_ai.usage.cost")),
    )


def _read_parts(value: object) -> list[Message]:
    """Messages whose content is in parts, as messages with text."""
    messages = map(as_mapping, as_list(value))
    return [
        {"role": message.get("role", "user"), "content": _join_parts(as_list(message.get("parts")))}
        for message in messages
    ]


def _join_parts(parts: Sequence[Any]) -> str:
    texts = [as_mapping(part).get("content") for part in parts if as_mapping(part).get("type", "text") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))


def _read_numbered(attributes: Mapping[str, Any], prefix: str) -> list[Message]:
    messages: list[Message] = []
    while f"{prefix}.{len(messages)}.content" in attributes or f"{prefix}.{len(messages)}.role" in attributes:
        start = f"{prefix}.{len(messages)}"
        role = attributes.get(f"{start}.role", "user")
        messages.append({"role": role, "content": attributes.get(f"{start}.content", "")})
    return messages


def _read_events(events: Sequence[Mapping[str, Any]]) -> tuple[list[Message], list[Message]]:
    sent: list[Message] = []
    answered: list[Message] = []
    for event in events:
        fields = _read_attributes(event.get("attributes"))
        name = as_text(event.get("name")) or ""
        if name in _MESSAGE_EVENTS:
            sent.append({"role": _MESSAGE_EVENTS[name], "content": fields.get("content", "")})
        elif name == "gen_ai.choice":
            message = as_mapping(fields.get("message"))
            answered.append({"role": "assistant", "content": message.get("content", fields.get("content"))})
    return sent, answered


def _read_attributes(value: object) -> dict[str, Any]:
    return {str(item.get("key")): _read_value(item.get("value")) for item in map(as_mapping, as_list(value))}


def _read_value(value: object) -> Any:
    """OTLP's `AnyValue`: an object with one field that names the type."""
    typed = as_mapping(value)
    if "arrayValue" in typed:
        return [_read_value(item) for item in as_list(as_mapping(typed["arrayValue"]).get("values"))]
    if "kvlistValue" in typed:
        return _read_attributes(as_mapping(typed["kvlistValue"]).get("values"))
    return next(iter(typed.values()), None)
