"""From calls to queries and outcomes: the same conversation asked of several models becomes one query."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from suffice.errors import DatasetError
from suffice.lab.dataset.form import Outcome, Query
from suffice.lab.dataset.reading import check_outcome, check_query, convert_row
from suffice.lab.dataset.report import FileReport, RowError
from suffice.lab.dataset.sources.call import Call, Entry, Skipped


@dataclass(slots=True)
class Collection:
    """What a log came to."""

    queries: dict[str, Query] = field(default_factory=dict[str, Query])
    """By id."""
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    reports: dict[str, FileReport] = field(default_factory=dict[str, FileReport])
    """By the file's name."""
    _asked: dict[tuple[bytes, int], str] = field(default_factory=dict[tuple[bytes, int], str])
    """Ids by conversation and by how often one model had answered it before."""
    _n_answers: dict[tuple[bytes, str | None], int] = field(default_factory=dict[tuple[bytes, str | None], int])

    def add(self, entry: Entry) -> None:
        """Take in an entry, or note why it cannot be."""
        report = self.reports.setdefault(entry.source, FileReport(source=entry.source))
        report.n_rows += 1
        if isinstance(entry.content, Skipped):
            report.left_out[entry.content.reason] += 1
            return
        try:
            if isinstance(entry.content, RowError):
                raise entry.content
            self._add_call(entry.content)
        except RowError as error:
            report.add_bad(error.at(entry.source, entry.where))

    def _add_call(self, call: Call) -> None:
        query = _make_query(call)
        check_query(query)
        outcome = None if call.answer is None else _make_outcome(call.answer)
        key = hashlib.sha256(msgspec.json.encode(call.messages, order="deterministic")).digest()
        model = None if outcome is None else outcome.model
        # A model that answers the same conversation again makes a query of its own, so that no answer is lost; the
        # second answers of two models meet in it.
        n_before = self._n_answers.get((key, model), 0)
        self._n_answers[key, model] = n_before + 1
        query_id = self._asked.get((key, n_before))
        if query_id is None:
            query_id = self._asked[key, n_before] = self._free_id(call.name or key.hex()[:16])
            self.queries[query_id] = msgspec.structs.replace(query, query_id=query_id)
        if outcome is not None:
            self.outcomes.append(msgspec.structs.replace(outcome, query_id=query_id))

    def _free_id(self, wanted: str) -> str:
        query_id, number = wanted, 1
        while query_id in self.queries:
            number += 1
            query_id = f"{wanted}#{number}"
        return query_id


def collect(entries: Iterable[Entry]) -> Collection:
    """Queries, outcomes and reports of a log.

    Raises:
        DatasetError: Not one call can be used; shows why.
    """
    collection = Collection()
    for entry in entries:
        collection.add(entry)
    if not collection.queries:
        raise DatasetError(_nothing_usable(collection.reports))
    return collection


def _nothing_usable(reports: Mapping[str, FileReport]) -> str:
    problems: list[str] = []
    for report in reports.values():
        problems += [f"{reason} ({n})" for reason, n in report.left_out.items()]
        problems += [str(bad) for bad in report.first_bad[:1]]
    return f"no call to a model can be taken from this: {'; '.join(problems) or 'there is none in it'}"


def _make_query(call: Call) -> Query:
    only = call.messages[0] if len(call.messages) == 1 else {}
    # A single user's text needs no messages around it, and reads better without.
    is_prompt = only.get("role") == "user" and isinstance(only.get("content"), str) and len(only) == 2
    row: dict[str, Any] = {"query_id": "?", "category": call.category}
    row |= {"prompt": only["content"]} if is_prompt else {"messages": list(call.messages)}
    return convert_row(row, Query)


def _make_outcome(answer: Mapping[str, Any]) -> Outcome:
    if answer.get("model") is None:
        raise RowError("names no model; say with --model which one it was")
    outcome = convert_row({**answer, "query_id": "?"}, Outcome)
    check_outcome(outcome)
    return outcome
