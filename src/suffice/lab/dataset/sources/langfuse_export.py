"""Langfuse's observations, exported from its pages, its API or to a blob store, as JSON, JSON Lines or CSV."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.sources.call import Call, Entry, ImportOptions, Skipped
from suffice.lab.dataset.sources.documents import read_documents
from suffice.lab.dataset.sources.exchange import read_answer, read_messages, read_response
from suffice.lab.dataset.sources.values import as_count, as_mapping, as_number, as_text, drop_none


def read_langfuse(paths: Sequence[Path], options: ImportOptions) -> Iterator[Entry]:
    """The generations in some files.

    Raises:
        DatasetError: A file cannot be read.
    """
    for path in paths:
        for placed in read_documents(path):
            row = placed.row
            content = row if isinstance(row, RowError) else _read_row(_rename(row), options)
            yield Entry(source=path.name, where=placed.where, content=content)


def _rename(row: Mapping[str, Any]) -> dict[str, Any]:
    """One spelling for the names of the API (`totalCost`) and of the blob store (`total_cost`)."""
    return {name.replace("_", "").lower(): value for name, value in row.items()}


def _read_row(row: Mapping[str, Any], options: ImportOptions) -> Call | Skipped | RowError:
    kind = as_text(row.get("type"))
    if kind != "GENERATION":
        return Skipped("no observation" if kind is None else f"an observation of type {kind}")
    if row.get("level") == "ERROR":
        return Skipped("the call failed")
    try:
        messages = read_messages(row.get("input"), field="input")
    except RowError as error:
        return error
    return Call(messages=messages, answer=_read_answer(row, options), name=as_text(row.get("id")))


def _read_answer(row: Mapping[str, Any], options: ImportOptions) -> dict[str, Any] | None:
    output = row.get("output")
    if not output:
        return None
    usage = as_mapping(row.get("usagedetails")) or as_mapping(row.get("usage"))
    costs = as_mapping(row.get("costdetails"))
    total = row.get("totalcost", row.get("calculatedtotalcost", costs.get("total")))
    answer: dict[str, Any] = {"model": options.model} | read_response(as_mapping(output))
    return answer | drop_none(
        model=as_text(row.get("model")) or as_text(row.get("providedmodelname")),
        response=read_answer(output),
        prompt_tokens=as_count(usage.get("input", row.get("prompttokens", row.get("inputtokens")))),
        completion_tokens=as_count(usage.get("output", row.get("completiontokens", row.get("outputtokens")))),
        cost_usd=as_number(total),
    )
