"""The list: what clients send, and what must become of it."""

from collections.abc import Mapping

from chunk_cases import chunk_cases
from connection_cases import connection_cases
from framing_cases import framing_cases
from head_cases import head_cases
from http_case import Case

THEMES: Mapping[str, tuple[Case, ...]] = {
    "Where a message ends": tuple(framing_cases()),
    "Chunks": tuple(chunk_cases()),
    "Request lines and headers": tuple(head_cases()),
    "Connections, sizes and slowness": tuple(connection_cases()),
}
CASES = tuple(case for cases in THEMES.values() for case in cases)
