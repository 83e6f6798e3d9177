"""A table with named columns, a row for each answer."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from suffice.errors import DatasetError
from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.sources.call import Call, Columns, Entry, ImportOptions
from suffice.lab.dataset.sources.documents import read_table
from suffice.lab.dataset.sources.exchange import read_messages
from suffice.lab.dataset.sources.values import as_count, as_number, as_text, drop_none


def read_csv(paths: Sequence[Path], options: ImportOptions) -> Iterator[Entry]:
    """The rows of some tables. Without a model's name a row is a query that nobody answered yet.

    Raises:
        DatasetError: A file cannot be read, or has no column of prompts.
    """
    for path in paths:
        names: set[str] = set()
        n_rows = 0
        for placed in read_table(path):
            n_rows += 1
            row = placed.row
            if not isinstance(row, RowError):
                names |= row.keys()
            content = row if isinstance(row, RowError) else _read_row(row, options)
            yield Entry(source=path.name, where=placed.where, content=content)
        if n_rows and options.columns.prompt not in names:
            raise DatasetError(
                f"{path} has no column {options.columns.prompt!r} with anything in it; it has"
                f" {', '.join(sorted(names)) or 'none'}: name the prompts' with --prompt-column"
            )


def _read_row(row: Mapping[str, Any], options: ImportOptions) -> Call | RowError:
    columns = options.columns
    try:
        messages = read_messages(row.get(columns.prompt), field=columns.prompt)
        score = _read_score(row, columns)
    except RowError as error:
        return error
    answer = drop_none(
        model=as_text(row.get(columns.model)) or options.model,
        response=as_text(row.get(columns.response)),
        score=score,
        prompt_tokens=as_count(row.get("prompt_tokens")),
        completion_tokens=as_count(row.get("completion_tokens")),
        cost_usd=as_number(row.get("cost_usd")),
    )
    return Call(
        messages=messages,
        answer=answer if "model" in answer or "response" in answer or score is not None else None,
        name=as_text(row.get(columns.query_id)),
        category=as_text(row.get(columns.category)),
    )


def _read_score(row: Mapping[str, Any], columns: Columns) -> float | None:
    text = row.get(columns.score)
    score = as_number(text)
    if text is not None and score is None:
        raise RowError("must be a number from 0 to 1", field=columns.score, value=text)
    return score
