"""Server-sent events: splitting a byte stream into events at any byte, and writing them.

Source: WHATWG HTML, "Server-sent events", 9.2.5 and 9.2.6.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from suffice.errors import UpstreamBrokenError

DONE = b"data: [DONE]\n\n"
MAX_EVENT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One event."""

    raw: bytes
    """As it came, its closing blank line included."""
    data: bytes
    """Its `data` lines, joined by line feeds; empty for a comment."""
    name: bytes = b""
    """Its `event` line; empty for an ordinary message."""

    @property
    def is_done(self) -> bool:
        """Whether this is OpenAI's end mark."""
        return self.data.strip() == b"[DONE]"


class Splitter:
    """Collects bytes and gives whole events; joined, their `raw` bytes are exactly what was fed."""

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._pending = b""
        self._max_event_bytes = max_event_bytes

    @property
    def pending(self) -> bytes:
        """What has come after the last whole event."""
        return self._pending

    def feed(self, chunk: bytes) -> Iterator[Event]:
        r"""Yield the events that `chunk` completes.

        A lone carriage return is no line end here: OpenAI's servers write \n or \r\n, and taking it for one would
        mean holding every event back until the next byte.

        Raises:
            UpstreamBrokenError: An event grows over the limit.
        """
        buffer = self._pending + chunk if self._pending else chunk
        start = 0
        while (end := _end_of_event(buffer, start)) >= 0:
            yield parse_event(buffer[start:end])
            start = end
        self._pending = buffer[start:]
        if len(self._pending) > self._max_event_bytes:
            raise UpstreamBrokenError(f"one event of the stream is over {self._max_event_bytes} bytes")


def parse_event(raw: bytes) -> Event:
    """Read the fields of one whole event."""
    if raw.startswith(b"data: ") and raw.endswith(b"\n\n") and raw.find(b"\n", 0, -2) < 0:
        return Event(raw, raw[6:-2].removesuffix(b"\r"))
    data: list[bytes] = []
    name = b""
    for line in raw.replace(b"\r\n", b"\n").split(b"\n"):
        key, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if key == b"data":
            data.append(value)
        elif key == b"event":
            name = value
    return Event(raw, b"\n".join(data), name)


def write_event(data: bytes, *, name: bytes = b"") -> bytes:
    """One event with `data` on one line."""
    prefix = b"event: " + name + b"\n" if name else b""
    return prefix + b"data: " + data + b"\n\n"


def _end_of_event(buffer: bytes, start: int) -> int:
    """Index after the first blank line from `start`, or -1."""
    plain = buffer.find(b"\n\n", start)
    mixed = buffer.find(b"\n\r\n", start, plain + 1 if plain >= 0 else len(buffer))
    if mixed >= 0:
        return mixed + 3
    return plain + 2 if plain >= 0 else -1
