"""Logs of OpenAI's requests and responses: pairs, flat entries, fine-tuning examples, and the files of batches."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.sources.call import Call, Entry, ImportOptions, Skipped
from suffice.lab.dataset.sources.documents import read_documents
from suffice.lab.dataset.sources.exchange import read_answer, read_messages, read_response
from suffice.lab.dataset.sources.values import as_count, as_mapping, as_number, as_text, drop_none

_ANSWERED = range(200, 300)


def read_openai(paths: Sequence[Path], options: ImportOptions) -> Iterator[Entry]:
    """The calls in some files. A batch's requests and answers stand in two of them and meet by `custom_id`.

    Raises:
        DatasetError: A file cannot be read.
    """
    requests: dict[str, Entry] = {}
    answers: list[tuple[str, str, dict[str, Any]]] = []
    bodies: dict[str, dict[str, Any]] = {}
    for path in paths:
        for placed in read_documents(path):
            source, where, row = path.name, placed.where, placed.row
            if isinstance(row, RowError) or "custom_id" not in row:
                yield Entry(source=source, where=where, content=_read_entry(row, options))
            elif "response" in row or "error" in row:
                answers.append((source, where, row))
            elif str(row["custom_id"]) in requests:
                twice = RowError("stands twice; import one batch at a time", field="custom_id", value=row["custom_id"])
                yield Entry(source=source, where=where, content=twice)
            else:
                bodies[str(row["custom_id"])] = as_mapping(row.get("body"))
                requests[str(row["custom_id"])] = Entry(source=source, where=where, content=_read_entry(row, options))
    for source, where, row in answers:
        name = str(row["custom_id"])
        requests.pop(name, None)
        yield Entry(source=source, where=where, content=_join(name, bodies.get(name), row, options))
    yield from requests.values()


def _join(
    name: str, request: Mapping[str, Any] | None, row: Mapping[str, Any], options: ImportOptions
) -> Call | Skipped | RowError:
    """An answer of a batch with its request."""
    if request is None:
        return RowError("no request has this id; give the batch's input file too", field="custom_id", value=name)
    response = as_mapping(row.get("response"))
    if as_count(response.get("status_code")) not in _ANSWERED:
        return Skipped("the call failed")
    return _read_entry({"id": name, "request": request, "response": response.get("body")}, options)


def _read_entry(row: Mapping[str, Any] | RowError, options: ImportOptions) -> Call | Skipped | RowError:
    if isinstance(row, RowError):
        return row
    request = as_mapping(row.get("request") or row.get("body")) or dict(row)
    if row.get("error"):
        return Skipped("the call failed")
    try:
        messages = read_messages(request, field="messages")
    except RowError as error:
        return error
    messages, response = _take_answer(messages, row)
    if response is not None:
        response = {"model": as_text(request.get("model")) or options.model} | drop_none(**response)
        response |= drop_none(score=row.get("score"), cost_usd=as_number(row.get("cost_usd", row.get("cost"))))
    name = row.get("id") or row.get("custom_id") or row.get("request_id")
    return Call(
        messages=messages,
        answer=response,
        name=None if name is None else str(name),
        category=as_text(row.get("category")),
    )


def _take_answer(
    messages: tuple[dict[str, Any], ...], row: Mapping[str, Any]
) -> tuple[tuple[dict[str, Any], ...], dict[str, Any] | None]:
    """The messages that were sent, and the answer, wherever it stands."""
    if "choices" in row:
        return messages, read_response(row)
    for field in ("response", "completion", "output"):
        if row.get(field):
            body = as_mapping(row[field])
            return messages, read_response(body) if body else {"response": read_answer(row[field])}
    # An example for fine-tuning ends with the answer that is wanted.
    if len(messages) > 1 and messages[-1].get("role") == "assistant":
        return messages[:-1], {"response": read_answer(messages[-1])}
    return messages, None
