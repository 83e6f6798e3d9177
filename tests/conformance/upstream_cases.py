"""What an upstream may send back, odd or hostile, and what the client may then get."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Got(StrEnum):
    """What a client gets."""

    RIGHT = "the answer"
    FAILED = "502 or 504"
    BROKEN = "the stream with an error at its end"


RIGHT, FAILED, BROKEN = frozenset({Got.RIGHT}), frozenset({Got.FAILED}), frozenset({Got.BROKEN})
EITHER = RIGHT | FAILED
AT_ONCE = RIGHT | FAILED | BROKEN
"""Where all comes at once, and the client may have got nothing of it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamCase:
    """One answer of an upstream."""

    name: str
    pieces: tuple[bytes | float, ...]
    """Bytes and pauses, in seconds."""
    got: frozenset[Got]
    """Of which the client gets one."""
    stays: bool = True
    """The upstream leaves the connection open."""
    may_reuse: bool = False
    """The gateway may use the connection again."""
    stream: bool = False
    """Events were asked for."""

    def __str__(self) -> str:
        return self.name


def completion(text: str = "right") -> bytes:
    """A plain answer."""
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    document = {"id": "x", "object": "chat.completion", "model": "small-model", "choices": choices, "usage": usage}
    return json.dumps(document).encode()


def events(text: str = "right") -> tuple[bytes, ...]:
    """A streamed answer, one event each."""
    common = {"id": "x", "object": "chat.completion.chunk", "model": "small-model"}
    deltas = [{"role": "assistant", "content": ""}, {"content": text[:2]}, {"content": text[2:]}]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    documents = [{**common, "choices": [choice]} for choice in choices]
    return (*(b"data: " + json.dumps(document).encode() + b"\n\n" for document in documents), b"data: [DONE]\n\n")


BODY = completion()
JSON = b"content-type: application/json"
LENGTH = b"content-length: %d" % len(BODY)
CHUNKED = b"transfer-encoding: chunked"
EVENTS = b"".join(events())
SSE = b"content-type: text/event-stream"


def reply(*lines: bytes, body: bytes = BODY, start: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """An answer that has exactly these lines."""
    return b"\r\n".join([start, *lines, b"", body])


def good(text: str) -> bytes:
    """A proper plain answer."""
    body = completion(text)
    return reply(JSON, b"content-length: %d" % len(body), body=body)


def chunks(*bodies: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """A chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(body), body) for body in bodies) + last


OTHER = good("another's")
"""An answer that nobody asked for."""


def upstream_cases() -> tuple[UpstreamCase, ...]:
    """The list."""
    return (*_lengths(), *_chunked(), *_interim(), *_lies(), *_heads(), *_bodies(), *_streams())


def _case(
    name: str, *pieces: bytes | float, got: frozenset[Got] = FAILED, stays: bool = True, may_reuse: bool = False
) -> UpstreamCase:
    return UpstreamCase(name=name, pieces=pieces, got=got, stays=stays, may_reuse=may_reuse)


def _lengths() -> Iterator[UpstreamCase]:
    yield _case("a proper answer", reply(JSON, LENGTH), got=RIGHT, may_reuse=True)
    yield _case("in single bytes", *(bytes([byte]) for byte in reply(JSON, LENGTH)), got=RIGHT, may_reuse=True)
    short, long = b"content-length: %d" % (len(BODY) - 10), b"content-length: %d" % (len(BODY) + 10)
    yield _case("length: too short", reply(JSON, short))
    yield _case("length: too short, the rest late", reply(JSON, short)[:-10], 0.05, BODY[-10:])
    yield _case("length: too long, then closed", reply(JSON, long), stays=False)
    yield _case("length: too long, then silent", reply(JSON, long))
    yield _case("length: two that differ", reply(JSON, LENGTH, b"content-length: 5"))
    yield _case("length: two that differ, the wrong one first", reply(JSON, b"content-length: 5", LENGTH))
    yield _case("length: the same twice", reply(JSON, LENGTH, LENGTH), got=EITHER, may_reuse=True)
    for value in (b"-1", b"+5", b"0x10", b"ten", b"5, 6", b"99999999999999999999", b""):
        yield _case(f"length: {value.decode()!r}", reply(JSON, b"content-length: " + value))
    yield _case("length: and chunked", reply(JSON, LENGTH, CHUNKED, body=chunks(BODY)), got=EITHER)
    yield _case("length: of 5 and chunked", reply(JSON, b"content-length: 5", CHUNKED, body=chunks(BODY)), got=EITHER)
    yield _case("length: of 10^18, then silent", reply(JSON, b"content-length: 1000000000000000000"))
    yield _case("length: none, then closed", reply(JSON), got=RIGHT, stays=False)
    yield _case("length: none, cut, then closed", reply(JSON)[:-10], stays=False)
    yield _case("length: none, then silent", reply(JSON))
    ten = b"HTTP/1.0 200 OK"
    yield _case("HTTP/1.0 without a length", reply(JSON, start=ten), got=RIGHT, stays=False)
    yield _case("HTTP/1.0 with a length", reply(JSON, LENGTH, start=ten), got=RIGHT)
    yield _case("HTTP/1.0 with chunks", reply(JSON, CHUNKED, start=ten, body=chunks(BODY)), got=EITHER, stays=False)


def _chunked() -> Iterator[UpstreamCase]:
    def case(
        name: str, body: bytes, *, got: frozenset[Got] = FAILED, stays: bool = False, may_reuse: bool = False
    ) -> UpstreamCase:
        return _case(f"chunks: {name}", reply(JSON, CHUNKED, body=body), got=got, stays=stays, may_reuse=may_reuse)

    yield case("proper", chunks(BODY[:5], BODY[5:]), got=RIGHT, stays=True, may_reuse=True)
    yield case("with trailers", chunks(BODY, last=b"0\r\nx: y\r\n\r\n"), got=RIGHT, stays=True, may_reuse=True)
    yield case(
        "with extensions", b"%x;a=b\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY), got=RIGHT, stays=True, may_reuse=True
    )
    yield case("size is no number", b"zz\r\n" + BODY)
    yield case("size is negative", b"-5\r\n" + BODY)
    yield case("size with 0x", b"0x5\r\n" + BODY)
    yield case("size over 64 bits", b"FFFFFFFFFFFFFFFFF\r\n" + BODY)
    yield case("no line end after a chunk", b"%x\r\n%s0\r\n\r\n" % (len(BODY), BODY))
    yield case("bare LF after a size", b"%x\n%s\r\n0\r\n\r\n" % (len(BODY), BODY), got=EITHER)
    yield case("cut in a chunk, then closed", chunks(BODY)[:40])
    yield case("cut in a chunk, then silent", chunks(BODY)[:40], stays=True)
    yield case("no last chunk, then closed", chunks(BODY, last=b""), got=EITHER)
    yield case("no last chunk, then silent", chunks(BODY, last=b""), stays=True)
    yield case("no line end after the last chunk, then closed", chunks(BODY, last=b"0\r\n"), got=EITHER)
    yield case("bytes after the last chunk", chunks(BODY) + b"rest", got=EITHER, stays=True)
    for value in (b"gzip, chunked", b"xchunked", b"chunked, identity", b"identity", b"chunked, chunked"):
        line = b"transfer-encoding: " + value
        yield _case(f"coding: {value.decode()}", reply(JSON, line, body=chunks(BODY)), stays=False, got=EITHER)


def _interim() -> Iterator[UpstreamCase]:
    final = reply(JSON, LENGTH)
    hundred = b"HTTP/1.1 100 Continue\r\n\r\n"
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
    yield _case("interim: 100", hundred + final, got=RIGHT, may_reuse=True)
    yield _case("interim: 100, then a pause", hundred, 0.05, final, got=RIGHT, may_reuse=True)
    yield _case("interim: 103 and 102", early + b"HTTP/1.1 102 Processing\r\n\r\n" + final, got=RIGHT, may_reuse=True)
    yield _case("interim: ten", hundred * 10 + final, got=RIGHT, may_reuse=True)
    yield _case("interim: for ever", *(piece for _ in range(40) for piece in (hundred, 0.05)))
    yield _case("interim: a final one does not come", hundred)
    yield _case(
        "interim: 100 with a length", b"HTTP/1.1 100 Continue\r\ncontent-length: 5\r\n\r\nhello" + final, got=EITHER
    )
    switch = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
    yield _case("interim: 101", switch + final)


def _lies() -> Iterator[UpstreamCase]:
    final = reply(JSON, LENGTH)
    keep = reply(JSON, LENGTH, b"connection: keep-alive")
    close = reply(JSON, LENGTH, b"connection: close")
    timed_out = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    yield _case("keeping: promised, then closed", keep, got=RIGHT, stays=False)
    yield _case("keeping: closed a little later", keep, 0.05, got=RIGHT, stays=False)
    yield _case("keeping: close said, but left open", close, got=RIGHT)
    yield _case("unasked: a second answer at once", final + OTHER, got=EITHER)
    yield _case("unasked: a second answer in the same moment", final, OTHER, got=EITHER)
    yield _case("unasked: a second answer a little later", final, 0.05, OTHER, got=RIGHT)
    yield _case("unasked: half an answer a little later", final, 0.05, OTHER[:20], got=RIGHT)
    yield _case("unasked: one byte a little later", final, 0.05, b"H", got=RIGHT)
    yield _case("unasked: line ends a little later", final, 0.05, b"\r\n\r\n", got=RIGHT)
    yield _case("unasked: 408 a little later, then closed", final, 0.05, timed_out, got=RIGHT, stays=False)
    yield _case("unasked: 100 a little later", final, 0.05, b"HTTP/1.1 100 Continue\r\n\r\n", got=RIGHT)


def _heads() -> Iterator[UpstreamCase]:
    yield _case("head: no status text", reply(JSON, LENGTH, start=b"HTTP/1.1 200 "), got=RIGHT, may_reuse=True)
    yield _case(
        "head: no status text and no blank", reply(JSON, LENGTH, start=b"HTTP/1.1 200"), got=RIGHT, may_reuse=True
    )
    starts = {
        "status 99": b"HTTP/1.1 99 X",
        "status 1000": b"HTTP/1.1 1000 X",
        "status of letters": b"HTTP/1.1 abc OK",
        "a negative status": b"HTTP/1.1 -200 OK",
        "no status": b"HTTP/1.1",
        "HTTP/2.0": b"HTTP/2.0 200 OK",
        "HTTP/9.9": b"HTTP/9.9 200 OK",
        "another protocol": b"ICY 200 OK",
        "a request": b"POST / HTTP/1.1",
    }
    for name, start in starts.items():
        got = EITHER if "HTTP/2" in name else FAILED
        yield _case(f"head: {name}", reply(JSON, LENGTH, start=start), got=got, stays=False)
    lines = {
        "a folded line": b"x: a\r\n b",
        "a null in a value": b"x: a\x00b",
        "a null in a name": b"x\x00: a",
        "a blank before the colon": b"x : a",
        "no colon": b"nonsense",
        "an empty name": b": x",
        "a bare CR": b"x: a\rb",
        "a bare LF": b"x: a\nb: c",
    }
    for name, line in lines.items():
        yield _case(f"head: {name}", reply(JSON, line, LENGTH), got=EITHER, may_reuse=True)
    yield _case("head: bare LF everywhere", reply(JSON, LENGTH).replace(b"\r\n", b"\n"), got=EITHER, may_reuse=True)
    yield _case(
        "head: 20,000 lines", reply(JSON, *[b"a%d: b" % n for n in range(20_000)], LENGTH), got=EITHER, stays=False
    )
    yield _case("head: a line of 1 MB", reply(JSON, b"x: " + b"y" * 1_000_000, LENGTH), stays=False)
    yield _case("head: a name of 1 MB", reply(JSON, b"y" * 1_000_000 + b": x", LENGTH), stays=False)
    yield _case(
        "head: a status text of 1 MB", reply(JSON, LENGTH, start=b"HTTP/1.1 200 " + b"x" * 1_000_000), stays=False
    )
    yield _case(
        "head: 20 MB without an end", b"HTTP/1.1 200 OK\r\n", *[b"a: " + b"b" * 65_000 + b"\r\n"] * 300, stays=False
    )
    yield _case("head: half of one, then silent", reply(JSON, LENGTH)[:30])
    yield _case("head: half of one, then closed", reply(JSON, LENGTH)[:30], stays=False)
    texts = {"nothing": b"", "garbage": b"\x00\xff" * 200, "TLS": b"\x15\x03\x03\x00\x02\x02\x28", "JSON alone": BODY}
    for name, text in texts.items():
        yield _case(f"no HTTP: {name}", text, stays=False)


def _bodies() -> Iterator[UpstreamCase]:
    yield _case("status: 204", b"HTTP/1.1 204 No Content\r\n\r\n", may_reuse=True)
    yield _case("status: 204 with a body", reply(JSON, LENGTH, start=b"HTTP/1.1 204 No Content"))
    yield _case("status: 205", reply(b"content-length: 0", body=b"", start=b"HTTP/1.1 205 Reset"), may_reuse=True)
    yield _case("status: 304", b"HTTP/1.1 304 Not Modified\r\n\r\n", may_reuse=True)
    yield _case(
        "status: 304 with a length", reply(LENGTH, body=b"", start=b"HTTP/1.1 304 Not Modified"), may_reuse=True
    )
    moved = reply(b"location: http://127.0.0.1:9/", b"content-length: 0", body=b"", start=b"HTTP/1.1 302 Found")
    yield _case("status: 302 is not followed", moved, may_reuse=True)
    zipped = gzip.compress(BODY)
    line = b"content-length: %d" % len(zipped)
    yield _case("body: compressed unasked", reply(JSON, b"content-encoding: gzip", line, body=zipped), may_reuse=True)
    page = b"<html>no JSON</html>"
    yield _case("body: a page", reply(b"content-type: text/html", b"content-length: 20", body=page), may_reuse=True)
    yield _case("body: empty", reply(JSON, b"content-length: 0", body=b""), may_reuse=True)
    yield _case("body: cut JSON", reply(JSON, b"content-length: 20", body=BODY[:20]), may_reuse=True)
    types = {
        "with a delete": b"content-type: application/json\x7f",
        "beyond ASCII": b"content-type: application/json; x=\xe9\xff",
        "twice": JSON + b"\r\n" + JSON,
        "empty": b"content-type:",
        "of 7 kB": b"content-type: application/json; x=" + b"y" * 7000,
    }
    for name, one in types.items():
        yield _case(f"content type: {name}", reply(one, LENGTH), got=EITHER, may_reuse=True)


def _streams() -> Iterator[UpstreamCase]:
    def case(
        name: str, *pieces: bytes | float, got: frozenset[Got], stays: bool = False, may_reuse: bool = False
    ) -> UpstreamCase:
        return UpstreamCase(
            name=f"stream: {name}", pieces=pieces, got=got, stays=stays, may_reuse=may_reuse, stream=True
        )

    head, ends = reply(SSE, CHUNKED, body=b""), chunks(*events())
    first = chunks(*events()[:2], last=b"")
    yield case("proper", head + ends, got=RIGHT, stays=True, may_reuse=True)
    yield case("in single bytes", *(bytes([byte]) for byte in head + ends), got=RIGHT, stays=True, may_reuse=True)
    yield case(
        "with a length",
        reply(SSE, b"content-length: %d" % len(EVENTS), body=EVENTS),
        got=RIGHT,
        stays=True,
        may_reuse=True,
    )
    yield case("until closed", reply(SSE, body=EVENTS), got=RIGHT)
    yield case("after 100", b"HTTP/1.1 100 Continue\r\n\r\n" + head + ends, got=RIGHT, stays=True, may_reuse=True)
    yield case(
        "with trailers", head + chunks(*events(), last=b"0\r\nx: y\r\n\r\n"), got=RIGHT, stays=True, may_reuse=True
    )
    yield case("no last chunk after the end mark", head + chunks(*events(), last=b""), got=RIGHT | BROKEN)
    yield case("bytes after the last chunk", head + ends + b"rest", got=AT_ONCE, stays=True)
    yield case("an unasked answer behind", head + ends + OTHER, got=AT_ONCE, stays=True)
    yield case("an unasked answer a little later", head + ends, 0.05, OTHER, got=RIGHT, stays=True)
    yield case("cut in a chunk, then closed", head + first, 0.05, ends[:30], got=BROKEN)
    yield case("cut between chunks, then closed", head + first, got=BROKEN)
    yield case("cut between chunks, then silent", head + first, got=BROKEN, stays=True)
    yield case("a bad chunk size", head + first, 0.05, b"zz\r\n", got=BROKEN)
    yield case("a bad chunk size at once", head + first + b"zz\r\n", got=BROKEN | FAILED)
    yield case("no line end after a chunk", head + first, 0.05, b"1\r\naXX", got=BROKEN)
    short = b"content-length: %d" % (len(EVENTS) // 2)
    yield case("a length in the middle of an event", reply(SSE, short, body=EVENTS), got=BROKEN | FAILED, stays=True)
    yield case("a length too long, then closed", reply(SSE, b"content-length: 100000", body=EVENTS), got=BROKEN | RIGHT)
    yield case("until closed, in the middle of an event", reply(SSE, body=EVENTS[:-30]), got=BROKEN)
    yield case("nothing in it", head + b"0\r\n\r\n", got=FAILED, stays=True, may_reuse=True)
    yield case(
        "no events, but a page",
        reply(b"content-type: text/html", b"content-length: 5", body=b"<p>no"),
        got=FAILED,
        stays=True,
        may_reuse=True,
    )
    yield case("an event of 9 MB", head + first + b"%x\r\n" % 9_000_000, b"data: " + b"x" * 9_000_000, got=BROKEN)
    yield case(
        "compressed unasked", reply(SSE, b"content-encoding: gzip", body=gzip.compress(EVENTS)), got=FAILED | BROKEN
    )
