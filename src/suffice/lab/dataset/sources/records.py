"""The gateway's own records, where their content was kept (`recording.content: true`)."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from suffice.errors import DatasetError, RecordingError
from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.sources.call import Call, Entry, ImportOptions, Skipped
from suffice.lab.dataset.sources.exchange import read_messages
from suffice.lab.dataset.sources.values import as_list, drop_none
from suffice.recording.schema import check_version
from suffice.vocabulary import Role

MAGIC = b"SQLite format 3\x00"
"""What every SQLite file begins with."""

_REQUESTS = "SELECT id, prompt, category, label, label_source FROM requests ORDER BY received_at, id"
_ATTEMPTS = """
SELECT seq, role, model, prompt_tokens, completion_tokens, cost_usd, tokens, answer FROM attempts
WHERE request_id = ? AND role IN ('serve', 'draft', 'shadow') ORDER BY seq
"""


def read_records(paths: Sequence[Path], options: ImportOptions) -> Iterator[Entry]:  # noqa: ARG001 - as all sources
    """The answers in some stores. A label is that of the answer that was served.

    Raises:
        DatasetError: A file is no store of records, or of a newer version.
    """
    for path in paths:
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                connection.row_factory = sqlite3.Row
                check_version(connection, path)
                for request in connection.execute(_REQUESTS):
                    for where, content in _read_request(request, connection):
                        yield Entry(source=path.name, where=where, content=content)
        except (sqlite3.Error, RecordingError) as error:
            raise DatasetError(f"{path} cannot be read as records: {error}") from error


def _read_request(
    request: sqlite3.Row, connection: sqlite3.Connection
) -> Iterator[tuple[str, Call | Skipped | RowError]]:
    where = f"request {request['id']}"
    if request["prompt"] is None:
        yield where, Skipped("without content: recording.content was off")
        return
    try:
        messages = read_messages(msgspec.json.decode(request["prompt"]), field="prompt")
    except (RowError, msgspec.DecodeError) as error:
        yield where, error if isinstance(error, RowError) else RowError("is no JSON", field="prompt")
        return
    n_answers = 0
    for attempt in connection.execute(_ATTEMPTS, (request["id"],)):
        n_answers += attempt["answer"] is not None
        content: Call | Skipped = Skipped(f"a {attempt['role']} attempt without an answer")
        if attempt["answer"] is not None:
            answer = _read_attempt(attempt, request if attempt["role"] == Role.SERVE else None)
            content = Call(messages=messages, answer=answer, name=request["id"], category=request["category"])
        yield f"{where}, attempt {attempt['seq']}", content
    if not n_answers:
        yield where, Call(messages=messages, name=request["id"], category=request["category"])


def _read_attempt(attempt: sqlite3.Row, labelled: sqlite3.Row | None) -> dict[str, Any]:
    """An outcome's fields; the label and its source are those of `labelled`, where there is any."""
    return drop_none(
        model=attempt["model"],
        score=None if labelled is None else labelled["label"],
        label_source=None if labelled is None else labelled["label_source"],
        response=attempt["answer"],
        logprobs=as_list(attempt["tokens"]) or None,
        prompt_tokens=attempt["prompt_tokens"],
        completion_tokens=attempt["completion_tokens"],
        cost_usd=attempt["cost_usd"],
    )
