"""Which log a file is, by its first entries."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from suffice.errors import DatasetError
from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.rows import read_start
from suffice.lab.dataset.sources import records
from suffice.lab.dataset.sources.call import Entry, ImportOptions
from suffice.lab.dataset.sources.documents import read_documents
from suffice.lab.dataset.sources.langfuse_export import read_langfuse
from suffice.lab.dataset.sources.litellm_log import read_litellm
from suffice.lab.dataset.sources.openai_log import read_openai
from suffice.lab.dataset.sources.otel_export import read_otel
from suffice.lab.dataset.sources.table import read_csv
from suffice.lab.dataset.sources.vllm_log import read_vllm

_PROBED = 20


class LogFormat(StrEnum):
    """Where calls can be imported from."""

    RECORDS = "records"
    OPENAI = "openai"
    VLLM = "vllm"
    LITELLM = "litellm"
    LANGFUSE = "langfuse"
    OTEL = "otel"
    CSV = "csv"


READERS: Mapping[LogFormat, Callable[[Sequence[Path], ImportOptions], Iterator[Entry]]] = {
    LogFormat.RECORDS: records.read_records,
    LogFormat.OPENAI: read_openai,
    LogFormat.VLLM: read_vllm,
    LogFormat.LITELLM: read_litellm,
    LogFormat.LANGFUSE: read_langfuse,
    LogFormat.OTEL: read_otel,
    LogFormat.CSV: read_csv,
}


def detect_format(path: Path) -> LogFormat:
    """The format of a file.

    Raises:
        DatasetError: The file cannot be read, or is none that is known.
    """
    start = read_start(path)
    if start.startswith(records.MAGIC):
        return LogFormat.RECORDS
    if b"Received request " in start:
        return LogFormat.VLLM
    is_json = start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))
    for placed in islice(read_documents(path), _PROBED):
        if not isinstance(placed.row, RowError) and (found := _detect_row(placed.row, is_json=is_json)):
            return found
    if not is_json and b"," in start.partition(b"\n")[0]:
        return LogFormat.CSV
    known = ", ".join(LogFormat)
    raise DatasetError(f"{path} is no log that is known by its look; name its format with --format: {known}")


def _detect_row(row: Mapping[str, Any], *, is_json: bool) -> LogFormat | None:
    names = {name.replace("_", "").lower() for name in row}
    if names & {"resourcespans", "resourcelogs"}:
        return LogFormat.OTEL
    if {"requestid", "calltype"} <= names or {"requestid", "spend"} <= names:
        return LogFormat.LITELLM
    if {"traceid", "type"} <= names:
        return LogFormat.LANGFUSE
    if is_json and names & {"messages", "customid", "choices", "prompt", "request"}:
        return LogFormat.OPENAI
    return None
