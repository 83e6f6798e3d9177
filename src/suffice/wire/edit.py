"""Small edits of JSON that leave every other byte as it was."""

import msgspec

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def without_key(document: bytes, key: str) -> bytes:
    """Remove one top-level key and its value from an object; the document itself if the key is not there.

    Only the bytes of the key, its value and one comma go.
    """
    name = b'"' + key.encode() + b'"'
    if name not in document:
        return document
    fields = _FIELDS.decode(document)
    if key not in fields:
        return document
    value = bytes(fields[key])
    for separator in (b":", b": "):
        for removed in (b"," + name + separator + value, b", " + name + separator + value):
            # A quote inside a JSON string is escaped, so this finds members only; once means the top-level one.
            if document.count(removed) == 1:
                return document.replace(removed, b"")
    rest = [b"%s:%s" % (msgspec.json.encode(other), bytes(raw)) for other, raw in fields.items() if other != key]
    return b"{" + b",".join(rest) + b"}"


def with_key(document: bytes, key: str, value: object) -> bytes:
    """Append a member to a non-empty object."""
    end = document.rindex(b"}")
    return document[:end] + b"," + msgspec.json.encode(key) + b":" + msgspec.json.encode(value) + document[end:]
