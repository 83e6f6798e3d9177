"""Files of requests in three forms, read one by one: queries, OpenAI's requests, and plain text."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import msgspec

from suffice.errors import DatasetError, RequestError
from suffice.features import read
from suffice.lab.dataset import FileReport, Query, parquet, read_features
from suffice.lab.dataset.reading import check_query, convert_row
from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.rows import PlacedRow, Row, decode_row, read_rows, read_start
from suffice.lab.dataset.texts import MAX_TURNS
from suffice.vocabulary import Features
from suffice.wire.request import Endpoint, parse

_UNNAMED = "-"


class RequestForm(StrEnum):
    """How requests stand in a file."""

    QUERIES = "queries"
    """Rows of a dataset, Parquet or JSON Lines."""
    REQUESTS = "requests"
    """Bodies of chat requests, or lines of a batch, as JSON Lines."""
    TEXT = "text"
    """A prompt a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRequest:
    """One request of a file."""

    where: str
    """Its place: `line 17`."""
    name: str | None
    """Its id, where it has one."""
    features: Features


def detect_form(path: Path) -> RequestForm:
    """The form of a file, known by its first row.

    Raises:
        DatasetError: The file is missing, unreadable, empty or compressed.
    """
    start = read_start(path)
    if start.startswith(parquet.MAGIC):
        return RequestForm.QUERIES
    row = decode_row(start.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0].strip())
    if isinstance(row, RowError):
        return RequestForm.TEXT
    is_query = "query_id" in row or "prompt" in row
    return RequestForm.QUERIES if is_query else RequestForm.REQUESTS


def read_requests(
    path: Path, form: RequestForm, report: FileReport, *, max_turns: int = MAX_TURNS
) -> Iterator[FoundRequest]:
    """The requests of a file, one by one: no more of it is in memory than a row, or a batch of Parquet.

    Args:
        path: The file.
        form: Of its rows.
        report: Is told what became of each row; bad ones are passed over.
        max_turns: As `routing.max_turns` of the gateway.

    Raises:
        DatasetError: The file cannot be read, or holds no request at all.
    """
    read_row = _READERS[form]
    for placed in _read_texts(path) if form is RequestForm.TEXT else read_rows(path):
        report.n_rows += 1
        try:
            if isinstance(placed.row, RowError):
                raise placed.row
            name, features = read_row(placed.row, max_turns)
        except RowError as error:
            report.add_bad(error.at(path.name, placed.where))
            continue
        yield FoundRequest(where=placed.where, name=name, features=features)
    if not report.n_good:
        first = f": {report.first_bad[0]}" if report.first_bad else ""
        raise DatasetError(
            f"{path} holds no request, read as {form.value}{first}; say --format if that is another form"
        )


def _read_query(row: Row, max_turns: int) -> tuple[str | None, Features]:
    query = convert_row({"query_id": _UNNAMED, **row}, Query)
    check_query(query)
    return query.query_id if "query_id" in row else None, read_features(query, max_turns=max_turns)


def _read_request(row: Row, max_turns: int) -> tuple[str | None, Features]:
    """A body, or a line of a batch with its body inside; what is asked counts, not whom."""
    name = row.get("custom_id", row.get("id"))
    body = row.get("body", row.get("request", row))
    if not isinstance(body, Mapping):
        raise RowError("must be a JSON object", field="body", value=body)
    stated = {"model": "auto", **cast("Mapping[str, Any]", body)}
    try:
        features = read(parse(Endpoint.CHAT, msgspec.json.encode(stated)), max_turns=max_turns)
    except RequestError as error:
        raise RowError(str(error), field=error.param, value=stated.get(error.param or "")) from error
    return None if name is None else str(name), features


def _read_text(row: Row, max_turns: int) -> tuple[str | None, Features]:
    query = Query(query_id=_UNNAMED, prompt=row["prompt"])
    check_query(query)
    return None, read_features(query, max_turns=max_turns)


def _read_texts(path: Path) -> Iterator[PlacedRow]:
    """Every line as a prompt; blank lines are passed over."""
    read_start(path)
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if text.strip():
                    yield PlacedRow(where=f"line {number}", row=_decode_text(text.strip(b"\r\n")))
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error


def _decode_text(line: bytes) -> Row | RowError:
    try:
        return {"prompt": line.decode()}
    except UnicodeDecodeError as error:
        return RowError(f"is no UTF-8: {error.reason} at byte {error.start}")


_READERS: Mapping[RequestForm, Callable[[Row, int], tuple[str | None, Features]]] = {
    RequestForm.QUERIES: _read_query,
    RequestForm.REQUESTS: _read_request,
    RequestForm.TEXT: _read_text,
}
