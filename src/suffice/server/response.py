"""Responses as bytes."""

from collections.abc import Mapping
from http import HTTPStatus

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
LAST_CHUNK = b"0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def encode_head(status: int, headers: Mapping[str, str], framing: str) -> bytes:
    """A response's head with the blank line that ends it.

    Args:
        status: Known or not.
        headers: Values may hold anything but line ends; what Latin-1 cannot say becomes a question mark.
        framing: Further header lines, each with its line end.
    """
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    line = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    return f"{line}{lines}{framing}\r\n".encode("latin-1", "replace")


def encode_chunk(piece: bytes) -> bytes:
    """A piece of a body in chunked coding; it must not be empty, since that would end the body."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)
