"""Streams of requests for the fuzzer: proper ones, changed a little where parsers disagree, and cut anywhere."""

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

CHAT, EMBEDDINGS = b"/v1/chat/completions", b"/v1/embeddings"
MODEL = "small-model"
_CANONICAL_HEAD = re.compile(
    rb"(?P<method>GET|POST) (?P<target>/[A-Za-z0-9/_?=-]*) HTTP/1\.1\r\n"
    rb"(?P<lines>(?:[A-Za-z0-9_-]+: [\x21-\x7e]+(?: [\x21-\x7e]+)*\r\n)*)\r\n"
)
_CANONICAL_CHUNK = re.compile(rb"(?P<size>[0-9a-fA-F]{1,6})(?:;[a-z]+=[a-z]+)?\r\n")
_SPECIAL = [
    b"\x00",
    b"\t",
    b" ",
    b"\r",
    b"\n",
    b"\r\n",
    b"\x0b",
    b"\x7f",
    b"\x80",
    b"\xa0",
    b"\xff",
    b":",
    b";",
    b",",
    b"0",
    b"+",
]
_CODINGS = [
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding: CHUNKED",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding: chunked\r",
    b"transfer_encoding: chunked",
    b"X: y\nTransfer-Encoding: chunked",
]
_LINES = [
    b"X-A: b",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Connection: upgrade\r\nUpgrade: h2c",
    b"Expect: 100-continue",
    b"Host: other",
    b"Content-Length: 0",
    b"Content-Length: 5, 5",
    b"Trailer: X",
    b"X: a\r\n folded",
    b"X:",
    b": x",
    b"Accept: */*",
]


@dataclass(frozen=True, slots=True)
class Stream:
    """What one client sends."""

    pieces: tuple[bytes, ...]

    @property
    def raw(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


def make_stream(seed: str) -> Stream:
    """A stream that is the same for the same seed."""
    draw = random.Random(seed)
    raw = b"".join(_make_request(draw, f"{seed}.{index}") for index in range(draw.choice([1, 1, 2, 2, 3, 4])))
    for _ in range(draw.choice([0, 1, 1, 1, 2, 3])):
        raw = draw.choice(_MUTATIONS)(raw, draw)
    return Stream(_cut(raw, draw))


def count_canonical(raw: bytes) -> tuple[int, bool]:
    """How many requests there are in a form that leaves no doubt, and whether there is nothing else.

    Its own small parser, of a small part of HTTP: what it takes, every server must take.
    """
    n = at = 0
    while at < len(raw):
        found = _CANONICAL_HEAD.match(raw, at)
        if found is None:
            return n, False
        end = _end_of_body(raw, found.end(), found["lines"])
        if end is None:
            return n, False
        n, at = n + 1, end
        if b"\r\nconnection: close\r\n" in b"\r\n" + found["lines"].lower():
            return n, at == len(raw)
    return n, True


def _end_of_body(raw: bytes, at: int, lines: bytes) -> int | None:
    fields = [line.split(b": ", 1) for line in lines.lower().splitlines()]
    names = [name for name, _ in fields]
    values = dict(fields)
    allowed = {b"host", b"content-length", b"transfer-encoding", b"x-a", b"accept", b"content-type", b"connection"}
    if len(set(names)) != len(names) or not set(names) <= allowed or b"host" not in names:
        return None
    if values.get(b"connection", b"close") not in {b"close", b"keep-alive"}:
        return None
    length, coding = values.get(b"content-length"), values.get(b"transfer-encoding")
    if length is not None and coding is not None:
        return None
    if coding is not None:
        return _end_of_chunks(raw, at) if coding == b"chunked" else None
    if length is None:
        return at
    end = at + int(length) if re.fullmatch(rb"\d{1,6}", length) else len(raw) + 1
    return end if end <= len(raw) else None


def _end_of_chunks(raw: bytes, at: int) -> int | None:
    while (found := _CANONICAL_CHUNK.match(raw, at)) is not None:
        end = found.end() + int(found["size"], 16)
        if raw[end : end + 2] != b"\r\n":
            return None
        if end == found.end():
            return end + 2
        at = end + 2
    return None


def _make_request(draw: random.Random, name: str) -> bytes:
    kind = draw.choice(["chat", "chat", "stream", "embeddings", "get"])
    if kind == "get":
        target = draw.choice([b"/health", b"/v1/models", b"/v1/nothing"])
        return b"GET " + target + b" HTTP/1.1\r\nHost: gateway\r\n\r\n"
    content = name + draw.choice(
        ["", " and more", " é\u2028" * draw.randint(0, 5), "\r\n\r\n", "0\r\n\r\nGET / HTTP/1.1\r\n"]
    )
    document: dict[str, object] = {"model": MODEL, "messages": [{"role": "user", "content": content}]}
    if kind == "stream":
        document["stream"] = True
    body = json.dumps(document, ensure_ascii=draw.random() < 0.5).encode()
    if kind == "embeddings":
        body = f"#{name}".encode() + draw.choice([b"", b"\r\n0\r\n\r\n", draw.randbytes(20)])
    lines = [b"Host: gateway", b"Content-Type: application/json"]
    is_chunked = draw.random() < 0.4
    lines.append(b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % len(body))
    lines += [b"X-A: b"] * (draw.random() < 0.2)
    draw.shuffle(lines)
    start = b"POST " + (EMBEDDINGS if kind == "embeddings" else CHAT) + b" HTTP/1.1"
    return b"\r\n".join([start, *lines, b"", b""]) + (_chunk(body, draw) if is_chunked else body)


def _chunk(body: bytes, draw: random.Random) -> bytes:
    out = bytearray()
    at = 0
    while at < len(body):
        size = draw.choice([1, 2, draw.randint(1, len(body)), len(body)])
        part = body[at : at + size]
        out += b"%x%s\r\n%s\r\n" % (len(part), draw.choice([b"", b"", b";a=b"]), part)
        at += len(part)
    return bytes(out) + b"0\r\n\r\n"


def _place(raw: bytes, draw: random.Random) -> int:
    """A place in a stream: mostly where its parts meet."""
    if draw.random() < 0.3:
        return draw.randrange(len(raw) + 1)
    edges = [found.start() for found in re.finditer(rb"\r\n|: |HTTP|chunked|/v1|;", raw)]
    return min(len(raw), max(0, draw.choice(edges or [0]) + draw.randint(-1, 3)))


def _insert_byte(raw: bytes, draw: random.Random) -> bytes:
    at = _place(raw, draw)
    return raw[:at] + draw.choice(_SPECIAL) + raw[at:]


def _replace_byte(raw: bytes, draw: random.Random) -> bytes:
    at = _place(raw, draw)
    return raw[:at] + draw.choice([*_SPECIAL, bytes([draw.randrange(256)])]) + raw[at + 1 :]


def _delete_bytes(raw: bytes, draw: random.Random) -> bytes:
    at = _place(raw, draw)
    return raw[:at] + raw[at + draw.choice([1, 1, 2, 5, 50]) :]


def _repeat_slice(raw: bytes, draw: random.Random) -> bytes:
    at = _place(raw, draw)
    end = at + draw.choice([1, 2, 10, 40])
    return raw[:end] + raw[at:end] + raw[end:]


def _flip_case(raw: bytes, draw: random.Random) -> bytes:
    at = _place(raw, draw)
    return raw[:at] + raw[at : at + draw.choice([1, 5, 20])].swapcase() + raw[at + draw.choice([1, 5, 20]) :]


def _change_number(raw: bytes, draw: random.Random) -> bytes:
    found = list(re.finditer(rb"(?<=Content-Length: )\d+|(?<=\r\n)[0-9a-f]+(?=[;\r])|(?<=HTTP/)[\d.]+", raw))
    if not found:
        return raw
    one = draw.choice(found)
    text = one[0]
    choices = [b"0" + text, b"+" + text, b"-" + text, b"0x" + text, text + b" ", text + b"\t", text + b"," + text, b""]
    choices += [
        text + b"0",
        text.upper(),
        b"1" + b"0" * 20,
        b"9" * 16,
        text + b";x",
        text + b";x\n",
        b"0",
        b"1",
        b"1.0",
        b"2.0",
    ]
    if text.isdigit():
        choices += [b"%d" % max(0, int(text) + delta) for delta in (-2, -1, 1, 2, 5)]
    return raw[: one.start()] + draw.choice(choices) + raw[one.end() :]


def _add_line(raw: bytes, draw: random.Random) -> bytes:
    ends = [found.end() for found in re.finditer(rb"HTTP/1.1\r\n|gateway\r\n|json\r\n|chunked\r\n", raw)]
    at = draw.choice(ends or [0])
    return raw[:at] + draw.choice([*_LINES, *_CODINGS]) + draw.choice([b"\r\n", b"\r\n", b"\r\n", b"\n"]) + raw[at:]


def _change_line_end(raw: bytes, draw: random.Random) -> bytes:
    ends = [found.start() for found in re.finditer(rb"\r\n", raw)]
    if not ends:
        return raw
    at = draw.choice(ends)
    return (
        raw[:at] + draw.choice([b"\n", b"\r", b"", b"\r\r\n", b"\r\n\r\n", b"\n\r", b" \r\n", b"\r\n "]) + raw[at + 2 :]
    )


def _cut_off(raw: bytes, draw: random.Random) -> bytes:
    return raw[: _place(raw, draw)]


_MUTATIONS: Sequence[Callable[[bytes, random.Random], bytes]] = (
    _insert_byte,
    _replace_byte,
    _delete_bytes,
    _repeat_slice,
    _flip_case,
    _change_number,
    _change_number,
    _add_line,
    _add_line,
    _change_line_end,
    _change_line_end,
    _cut_off,
)


def _cut(raw: bytes, draw: random.Random) -> tuple[bytes, ...]:
    if draw.random() < 0.05:
        return tuple(raw[at : at + 1] for at in range(len(raw)))
    edges = sorted({0, len(raw), *(draw.randrange(len(raw) + 1) for _ in range(draw.choice([0, 0, 1, 2, 5])))})
    return tuple(raw[start:end] for start, end in pairwise(edges))
