"""From two files to a dataset; bad rows are reported and the rest goes on."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from suffice.errors import DatasetError
from suffice.lab.dataset.form import Dataset, Outcome, Query
from suffice.lab.dataset.report import FileReport, RowError
from suffice.lab.dataset.rows import Row, read_rows
from suffice.lab.dataset.texts import read_user_text

_T = TypeVar("_T", Query, Outcome)

_SHAPES: dict[type[Query | Outcome], str] = {
    Query: "a file of queries has `query_id`, `prompt` or `messages`, and perhaps `category`, `check`,"
    " `inclusion_probability`",
    Outcome: "a file of outcomes has `query_id`, `model`, `score`, and perhaps `response`, `logprobs`, `prompt_tokens`,"
    " `completion_tokens`, `cost_usd`, `label_source`",
}
_OTHER: dict[type[Query | Outcome], tuple[str, str]] = {Query: ("model", "outcomes"), Outcome: ("prompt", "queries")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A dataset, and what became of every row."""

    dataset: Dataset
    queries: FileReport
    outcomes: FileReport


def read_dataset(queries: Path, outcomes: Path) -> Reading:
    """Read a dataset from two files, each Parquet or JSON Lines.

    Rows that cannot be used are left out and reported: `report.check_rows` refuses them where all are needed. A row is
    bad if a field is missing, of another type or out of range, if its id stands there before, and if it is an outcome
    of a query that is not there.

    Raises:
        DatasetError: A file is missing, empty, of another kind, or without a single good row.
    """
    query_rows, query_report = read_queries(queries)
    outcome_rows, outcome_report = read_outcomes(outcomes, {query.query_id for query in query_rows})
    return Reading(dataset=Dataset.of(query_rows, outcome_rows), queries=query_report, outcomes=outcome_report)


def read_queries(path: Path) -> tuple[list[Query], FileReport]:
    """The queries of a file, and what became of its rows.

    Raises:
        DatasetError: As for `read_dataset`.
    """
    seen: dict[str, str] = {}

    def check(query: Query, where: str) -> None:
        check_query(query)
        _check_new(seen, query.query_id, where, field="query_id", value=query.query_id)

    return _read(path, Query, check)


def read_outcomes(path: Path, query_ids: set[str]) -> tuple[list[Outcome], FileReport]:
    """The outcomes of a file, and what became of its rows.

    Args:
        path: The file.
        query_ids: Of the queries that there are.

    Raises:
        DatasetError: As for `read_dataset`.
    """
    seen: dict[tuple[str, str], str] = {}

    def check(outcome: Outcome, where: str) -> None:
        check_outcome(outcome)
        if outcome.query_id not in query_ids:
            raise RowError("no query has this id", field="query_id", value=outcome.query_id)
        key = (outcome.query_id, outcome.model)
        _check_new(seen, key, where, field="query_id and model", value=key)

    return _read(path, Outcome, check)


def convert_row(row: Row, form: type[_T]) -> _T:
    """A row as a query or outcome, its types and ranges checked.

    Raises:
        RowError: A field is missing, or of another type or range.
    """
    row = {name: _decode_text(name, value) for name, value in row.items() if value is not None}
    try:
        return msgspec.convert(row, form)
    except msgspec.ValidationError as error:
        raise _explain(error, row) from error


def check_query(query: Query) -> None:
    """See that there is one prompt, with something in it.

    Raises:
        RowError: There is not.
    """
    if (query.prompt is None) == (query.messages is None):
        problem = "both are there" if query.messages is not None else "both are missing"
        raise RowError(f"either prompt or messages is needed; {problem}", field="prompt", value=query.prompt)
    if not read_user_text(query).strip():
        field = "prompt" if query.messages is None else "messages"
        raise RowError("no user says anything in it", field=field, value=query.prompt or query.messages)


def check_outcome(outcome: Outcome) -> None:
    """See that numbers are numbers.

    Raises:
        RowError: One is infinite or not a number.
    """
    if outcome.cost_usd is not None and not math.isfinite(outcome.cost_usd):
        raise RowError("must be a finite number", field="cost_usd", value=outcome.cost_usd)
    for index, token in enumerate(outcome.logprobs or ()):
        if not math.isfinite(token.logprob) or not math.isfinite(token.second_logprob or 0.0):
            raise RowError("must be a finite number", field=f"logprobs[{index}]", value=token.logprob)


def _read(path: Path, form: type[_T], check: Callable[[_T, str], None]) -> tuple[list[_T], FileReport]:
    report = FileReport(source=path.name)
    known = {field.encode_name for field in msgspec.structs.fields(form)}
    rows: list[_T] = []
    names: set[str] = set()
    for placed in read_rows(path):
        report.n_rows += 1
        try:
            if isinstance(placed.row, RowError):
                raise placed.row
            names |= placed.row.keys()
            row = convert_row(placed.row, form)
            check(row, placed.where)
            report.unknown_columns.update(placed.row.keys() - known)
            rows.append(row)
        except RowError as error:
            report.add_bad(error.at(path.name, placed.where))
    if not rows:
        raise DatasetError(_nothing_usable(path, form, report, names))
    return rows, report


def _nothing_usable(path: Path, form: type[Query | Outcome], report: FileReport, names: set[str]) -> str:
    if not report.n_rows:
        return f"{path} has no rows; {_SHAPES[form]}"
    column, other = _OTHER[form]
    hint = f" This looks like a file of {other}: are the two exchanged?" if column in names else ""
    return f"none of the {report.n_rows} rows of {path} can be used: {report.first_bad[0]}; {_SHAPES[form]}.{hint}"


def _decode_text(name: str, value: Any) -> Any:
    """What Parquet columns hold as JSON, ids that came as whole numbers, and tokens with null fields."""
    if name in {"messages", "logprobs", "check"} and isinstance(value, str):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    if name == "query_id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _check_new(seen: dict[Any, str], key: object, where: str, *, field: str, value: object) -> None:
    first = seen.setdefault(key, where)
    if first != where:
        raise RowError(f"stands already in {first}", field=field, value=value)


def _explain(error: msgspec.ValidationError, row: Row) -> RowError:
    """Msgspec's message in parts: where, what stands there, what should."""
    message, _, path = str(error).partition(" - at ")
    if not path:
        # A missing field has no path of its own: "Object missing required field `model`".
        name = message.split("`")[1] if "`" in message else ""
        return RowError(f"{name} is missing" if name else message)
    field = path.strip("`").removeprefix("$.")
    reason = message[:1].lower() + message[1:].replace("`", "")
    if field == "score":
        reason = "must be a number from 0 to 1"
    return RowError(reason, field=field, value=next(_follow(row, field), None))


def _follow(row: Row, field: str) -> Iterator[object]:
    """The value at a path such as `logprobs[3].text`, if it is there."""
    value: Any = row
    for step in field.replace("[", ".").replace("]", "").split("."):
        try:
            value = value[int(step) if step.isdigit() else step]
        except (KeyError, IndexError, TypeError, ValueError):
            return
    yield value
