"""LiteLLM's spend logs: rows of its table `LiteLLM_SpendLogs`, from `/spend/logs` or from the database."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.sources.call import Call, Entry, ImportOptions, Skipped
from suffice.lab.dataset.sources.documents import read_documents
from suffice.lab.dataset.sources.exchange import read_messages, read_response
from suffice.lab.dataset.sources.values import as_count, as_mapping, as_number, as_text, decode_nested, drop_none


def read_litellm(paths: Sequence[Path], options: ImportOptions) -> Iterator[Entry]:
    """The calls in some files.

    Raises:
        DatasetError: A file cannot be read.
    """
    for path in paths:
        for placed in read_documents(path):
            row = placed.row
            content = row if isinstance(row, RowError) else _read_row(row, options)
            yield Entry(source=path.name, where=placed.where, content=content)


def _read_row(row: Mapping[str, Any], options: ImportOptions) -> Call | Skipped | RowError:
    kind = as_text(row.get("call_type")) or "completion"
    if "completion" not in kind:
        return Skipped(f"a call of type {kind}")
    if row.get("status") == "failure":
        return Skipped("the call failed")
    # Without `store_prompts_in_spend_logs` both are `{}`; with it, newer versions fill the second.
    sent = decode_nested(row.get("messages")) or as_mapping(row.get("proxy_server_request")).get("messages")
    if not sent:
        return Skipped("without content: LiteLLM stores it with store_prompts_in_spend_logs")
    try:
        messages = read_messages(sent, field="messages")
    except RowError as error:
        return error
    answer = {"model": options.model}
    answer |= read_response(as_mapping(row.get("response")))
    answer |= drop_none(
        model=as_text(row.get("model")),
        prompt_tokens=as_count(row.get("prompt_tokens")),
        completion_tokens=as_count(row.get("completion_tokens")),
        cost_usd=as_number(row.get("spend")),
    )
    return Call(messages=messages, answer=answer, name=as_text(row.get("request_id")))
