"""Streams at the speed of bytes: pieces that are nothing but whole chunks, told apart and read without parting them."""

import msgspec

from suffice.wire.answer import Answer

_START = b"data: {"
_END = b"}\n\n"
_BETWEEN = b"}\n\ndata: {"
_NO_USAGE = b',"usage":null}\n\n'

_ANSWERS = msgspec.json.Decoder(list[Answer])


def holds_whole_chunks(piece: bytes) -> bool:
    """Whether a piece of a stream is one or more events, each an object on one line, and none tells of an error.

    No string in JSON holds a bare quote or line break, so none of what is looked for can be part of an answer's text.
    There is no line break but the two at the end of each event.
    """
    return (
        piece.startswith(_START)
        and piece.endswith(_END)
        and piece.count(b"\n") == 2 * piece.count(_BETWEEN) + 2
        and b'"error"' not in piece
    )


def without_null_usage(piece: bytes) -> bytes:
    """Whole chunks without their `"usage": null` where it is the last member, as servers write it; all else stays."""
    return piece.replace(_NO_USAGE, _END)


def mentions_usage(piece: bytes) -> bool:
    """Whether whole chunks may say anything of usage, be it that there is none."""
    return b'"usage"' in piece


def tells_usage(piece: bytes) -> bool:
    """Whether whole chunks may say anything of usage but that there is none."""
    return b'"usage"' in piece and b'"usage"' in piece.replace(b'"usage":null', b"")


def read_chunks(piece: bytes) -> list[Answer] | None:
    """Read whole chunks; None if there is one that is no chunk."""
    try:
        return _ANSWERS.decode(b"[" + piece[6:-2].replace(_BETWEEN, b"},{") + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def last_chunk(piece: bytes) -> bytes:
    """The document of the last of whole chunks."""
    start = piece.rfind(_BETWEEN)
    return piece[6 if start < 0 else start + len(_BETWEEN) - 1 : -2]
