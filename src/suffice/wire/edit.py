"""Small edits of JSON that leave every other byte as it was."""

import re
from collections.abc import Mapping

import msgspec

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAME = re.compile(rb'\s*("[^"\\]*(?:\\.[^"\\]*)*")\s*:\s*')
_CLOSE = re.compile(rb"\s*[,}]")


def without_key(document: bytes, key: str) -> bytes:
    """Remove one top-level key and its value from an object; the document itself if the key is not there.

    Only the bytes of the key, its value and one comma go. Where it stands twice, the members are written anew: the
    last of each other key, without white space between them.
    """
    name = msgspec.json.encode(key)
    if name not in document:
        return document
    fields = _FIELDS.decode(document)
    if key not in fields:
        return document
    # A name that stands once is this member's: no server writes `usage` with escapes here and without them elsewhere.
    start = document.index(name) if document.count(name) == 1 else _find_member(document, fields, key)
    opened = _NAME.match(document, start)
    if opened is not None:
        return _cut(document, opened.start(1), opened.end() + len(bytes(fields[key])))
    rest = [b"%s:%s" % (msgspec.json.encode(other), bytes(raw)) for other, raw in fields.items() if other != key]
    return b"{" + b",".join(rest) + b"}"


def with_key(document: bytes, key: str, value: object) -> bytes:
    """Append a member to an object, in place of one that has the same key."""
    document = without_key(document, key)
    end = document.rindex(b"}")
    comma = b"" if document[:end].rstrip().endswith(b"{") else b","
    return document[:end] + comma + msgspec.json.encode(key) + b":" + msgspec.json.encode(value) + document[end:]


def _find_member(document: bytes, fields: Mapping[str, msgspec.Raw], key: str) -> int:
    """Where a member begins; the end of the document if a key stands twice.

    Walks along the members, because the same bytes may stand in a nested object as well.
    """
    start = document.index(b"{") + 1
    found = len(document)
    for name, raw in fields.items():
        value = bytes(raw)
        opened = _NAME.match(document, start)
        end = opened.end() + len(value) if opened is not None else start
        closed = _CLOSE.match(document, end)
        if closed is None or document[end - len(value) : end] != value:
            return len(document)
        if name == key:
            found = start
        start = closed.end()
    return found if document[start - 1 : start] == b"}" else len(document)


def _cut(document: bytes, start: int, end: int) -> bytes:
    """The document without a member, and without the comma before it or else the one after it."""
    before, after = document[:start].rstrip(), document[end:]
    if before.endswith(b","):
        return before[:-1] + after
    following = after.lstrip()
    return document[:start] + (following[1:].lstrip() if following.startswith(b",") else after)
