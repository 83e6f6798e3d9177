"""A table of requests that no server may serve: as bytes, made from what is wrong with them."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
MAX_BODY_BYTES = 256 * 1024
"""What the gateway under test is told; likewise below."""
MAX_HEADER_BYTES = 16 * 1024
MAX_MESSAGES = 50
HELLO: dict[str, Any] = {"model": "small", "messages": [{"role": "user", "content": "smuggled"}]}
GOOD = json.dumps(HELLO).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """One bad request."""

    name: str
    raw: bytes
    must_answer: bool = False
    """It is proper HTTP with something wrong inside: silence is no answer to it."""
    waits: bool = False
    """The client says no more, but keeps its sending side open, as it does where an answer is due."""
    bodiless: bool = False
    """The answer has no body: HEAD."""

    def __str__(self) -> str:
        return self.name


def all_malformed() -> list[Malformed]:
    """The whole table; names are unique."""
    return [*bad_json(), *bad_types(), *bad_targets(), *bad_heads(), *bad_framing(), *bad_sizes(), *no_http()]


def request(body: bytes, *, path: str = CHAT, method: str = "POST", lines: tuple[bytes, ...] = ()) -> bytes:
    """A request in proper form around a body."""
    head = [f"{method} {path} HTTP/1.1".encode(), b"host: gateway", b"content-type: application/json", *lines]
    return b"\r\n".join([*head, b"content-length: %d" % len(body), b"", body])


def framed(*lines: bytes, body: bytes = GOOD, start: bytes = b"POST /v1/chat/completions HTTP/1.1") -> bytes:
    """A request whose head is exactly `lines` after its first line and its host."""
    return b"\r\n".join([start, b"host: gateway", *lines, b"", body])


def bad_json() -> Iterator[Malformed]:
    texts = {
        "empty": b"",
        "blank": b"  \r\n ",
        "open object": b"{",
        "mixed brackets": b'{"model":"small","messages":]}',
        "half a word": b"tru",
        "single quotes": b"{'model':'small'}",
        "trailing comma": GOOD[:-1] + b",}",
        "missing comma": b'{"model":"small" "messages":[]}',
        "missing colon": b'{"model" "small"}',
        "unquoted key": b'{model:"small"}',
        "comment": b"/* hi */" + GOOD,
        "two documents": GOOD + GOOD,
        "text after the end": GOOD + b"x",
        "null after the end": GOOD + b"\x00",
        "null before": b"\x00" + GOOD,
        "an array": b"[" + GOOD + b"]",
        "a string": b'"hello"',
        "a number": b"1",
        "a boolean": b"true",
        "null": b"null",
        "NaN": GOOD[:-1] + b',"temperature":NaN}',
        "Infinity": GOOD[:-1] + b',"temperature":-Infinity}',
        "leading zero": GOOD[:-1] + b',"n":01}',
        "plus sign": GOOD[:-1] + b',"n":+1}',
        "hexadecimal": GOOD[:-1] + b',"n":0x1}',
        "lone point": GOOD[:-1] + b',"temperature":.5}',
        "bad escape": b'{"model":"small","messages":[{"role":"user","content":"\\x41"}]}',
        "short escape": b'{"model":"small","messages":[{"role":"user","content":"\\u12"}]}',
        "open string": b'{"model":"small","messages":[{"role":"user","content":"abc',
        "raw line break": b'{"model":"small","messages":[{"role":"user","content":"a\nb"}]}',
        "raw null": b'{"model":"small","messages":[{"role":"user","content":"a\x00b"}]}',
        "not UTF-8": b'{"model":"small","messages":[{"role":"user","content":"\xff\xfe"}]}',
        "Latin-1": GOOD.replace(b"smuggled", b"gr\xfc\xdfe"),
        "overlong UTF-8": GOOD.replace(b"smuggled", b"\xc0\x80"),
        "UTF-8 surrogate": GOOD.replace(b"smuggled", b"\xed\xa0\x80"),
        "cut UTF-8": GOOD.replace(b"smuggled", b"\xe2\x82"),
        "UTF-8 beyond Unicode": GOOD.replace(b"smuggled", b"\xf5\x80\x80\x80"),
        "UTF-16": GOOD.decode().encode("utf-16"),
        "UTF-32": GOOD.decode().encode("utf-32"),
        "arrays 100 deep": GOOD[:-1] + b',"x":' + b"[" * 100 + b"]" * 100 + b"}",
        "objects 100 deep": GOOD[:-1] + b',"x":' + b'{"a":' * 100 + b"1" + b"}" * 101,
        "arrays 50,000 deep": GOOD[:-1] + b',"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        "arrays never closed": b'{"x":' + b"[" * 100_000,
        "objects 20,000 deep": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        "model twice": b'{"model":"large",' + GOOD[1:],
        "messages twice": GOOD[:-1] + b',"messages":[]}',
        "stream twice": GOOD[:-1] + b',"stream":false,"stream":true}',
        "role twice": b'{"model":"small","messages":[{"role":"user","role":"system","content":"x"}]}',
        "unknown key twice": GOOD[:-1] + b',"x":{"a":1,"a":2}}',
        "key twice by escape": b'{"mod\\u0065l":"large",' + GOOD[1:],
    }
    for name, text in texts.items():
        yield Malformed(name=f"JSON: {name}", raw=request(text), must_answer=True)


def bad_types() -> Iterator[Malformed]:
    message = {"role": "user", "content": "x"}
    wrong: dict[str, list[Any]] = {
        "model": [None, 1, True, [], {}, "", "unknown-model", "auto@x", "auto@-1", "auto@11", "auto@nan", "auto:no"],
        "messages": [None, "x", 1, {}, [], [1], ["x"], [None], [[]], [message] * (MAX_MESSAGES + 1)],
        "stream": ["yes", 1, [], {}],
        "stream_options": ["x", 1, [], {"include_usage": "yes"}],
        "max_tokens": ["5", 1.5, -1, 0, [], True, {}],
        "max_completion_tokens": ["5", 0.5, -3, 0],
        "n": ["2", 0, -1, 1.5, []],
        "tools": ["x", {}, [1], ["x"], [None]],
        "functions": ["x", [1]],
        "response_format": ["json", 1, [], {"type": 1}],
    }
    for field, values in wrong.items():
        for value in values:
            body = json.dumps({**HELLO, field: value}).encode()
            name = f"type: {field}={json.dumps(value)[:30]}"
            yield Malformed(name=name, raw=request(body), must_answer=True)
    for name, body in {
        "no model": {"messages": [message]},
        "no messages": {"model": "small"},
        "no fields": {},
        **{f"message {bad}": {"model": "small", "messages": [bad]} for bad in _bad_messages()},
    }.items():
        yield Malformed(name=f"type: {name}", raw=request(json.dumps(body).encode()), must_answer=True)
    prompts: list[Any] = [None, 1, {}, [], True, [{}], [None], [1.5], [[["x"]]]]
    for prompt in prompts:
        body = json.dumps({"model": "small", "prompt": prompt}).encode()
        yield Malformed(name=f"type: prompt={prompt}", raw=request(body, path=COMPLETIONS), must_answer=True)
    yield Malformed(name="type: no prompt", raw=request(b'{"model":"small"}', path=COMPLETIONS), must_answer=True)


def _bad_messages() -> list[str | dict[str, Any]]:
    user = {"role": "user"}
    contents: list[Any] = [1, True, {}, [1], ["x"], [None]]
    return [
        {"content": "no role"},
        {"role": None, "content": "x"},
        {"role": 1, "content": "x"},
        {"role": ["user"], "content": "x"},
        *({**user, "content": content} for content in contents),
        {"role": "assistant", "tool_calls": "x"},
        {"role": "assistant", "tool_calls": [1]},
        {"role": "assistant", "tool_calls": [{"id": 1}]},
        {"role": "assistant", "tool_calls": [{"function": "x"}]},
        {"role": "tool", "tool_call_id": 7, "content": "x"},
    ]


def bad_targets() -> Iterator[Malformed]:
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
        yield Malformed(
            name=f"method: {method}", raw=request(GOOD, method=method), must_answer=method in {"GET", "PUT"}
        )
    yield Malformed(name="method: HEAD", raw=request(b"", method="HEAD"), bodiless=True)
    for method in ("post", "FOO", "P OST", "", "GET\x00", "PÖST"):
        yield Malformed(name=f"method: {method!r}", raw=request(GOOD, method=method))
    yield Malformed(name="method: CONNECT", raw=framed(start=b"CONNECT upstream:443 HTTP/1.1", body=b""))
    yield Malformed(name="method: POST models", raw=request(GOOD, path="/v1/models"), must_answer=True)
    paths = [
        "/v2/chat/completions",
        "/chat/completions",
        "/v1/chat/completions/",
        "/v1/chat/completions/extra",
        "/v1//chat/completions",
        "//v1/chat/completions",
        "/V1/CHAT/COMPLETIONS",
        "/v1/chat/completions;a=1",
        "/v1/chat/../chat/completions",
        "/v1/%2e%2e/v1/chat/completions",
        "/v1/chat%2fcompletions",
        "/v1/chat/completions%00",
        "/v1/chat/completions%0d%0ax:%20y",
        "/v1/files",
        "/_stats",
        "/v1/embeddings/../../_last",
    ]
    for path in paths:
        yield Malformed(name=f"path: {path}", raw=request(GOOD, path=path), must_answer=True)
    for path in ("", "*", "v1/chat/completions", "/v1/chat/completions\x00", "/v1/ü", "/a b c", "/" + "a" * 40_000):
        yield Malformed(name=f"path: {path[:30]!r}", raw=request(GOOD, path=path))
    for target in ("http://elsewhere/v1/files", "http://", "ftp://x/v1/chat", "http://a b/"):
        yield Malformed(name=f"path: absolute {target}", raw=request(GOOD, path=target))


def bad_heads() -> Iterator[Malformed]:
    length = b"content-length: %d" % len(GOOD)
    start = b"POST /v1/chat/completions HTTP/1.1"
    yield Malformed(name="head: no host", raw=b"\r\n".join([start, length, b"", GOOD]))
    lines = {
        "two hosts": (b"host: other", length),
        "no colon": (b"nonsense", length),
        "empty name": (b": x", length),
        "blank in a name": (b"x y: z", length),
        "blank before the colon": (b"x : y", length),
        "null in a name": (b"x\x00y: z", length),
        "null in a value": (b"x: a\x00b", length),
        "bare CR in a value": (b"x: a\rb", length),
        "folded line": (b"x: a\r\n b", length),
        "folded length": (b"x: a\r\n content-length: 3", length),
        "leading blank": (b" x: a", length),
        "control character": (b"x: a\x01\x7fb", length),
        "name beyond ASCII": (b"x\xfc: y", length),
        "9,000 lines": (*[b"a%d: b" % index for index in range(9000)], length),
        "150 lines": (*[b"a%d: b" % index for index in range(150)], length),
        "one long line": (b"x: " + b"y" * (2 * MAX_HEADER_BYTES), length),
        "one long name": (b"y" * (2 * MAX_HEADER_BYTES) + b": x", length),
    }
    for name, extra in lines.items():
        yield Malformed(name=f"head: {name}", raw=framed(*extra))
    for coding, body in {
        "gzip": gzip.compress(GOOD),
        "deflate": zlib.compress(GOOD),
        "br": b"\x0b\x02\x80hello\x03",
        "zstd": b"\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00x",
        "gzip, gzip": gzip.compress(gzip.compress(GOOD)),
        "gzip of 100 MB": gzip.compress(bytes(100_000_000)),
    }.items():
        line = f"content-encoding: {coding.partition(' of')[0]}".encode()
        yield Malformed(name=f"head: {coding} body", raw=request(body, lines=(line,)), must_answer=len(body) < 10_000)
    form = b"--x\r\ncontent-disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n"
    multipart = framed(b"content-type: multipart/form-data; boundary=x", b"content-length: %d" % len(form), body=form)
    yield Malformed(name="head: multipart", raw=multipart, must_answer=True)
    upgrade = (b"connection: upgrade", b"upgrade: websocket", b"sec-websocket-version: 13", b"sec-websocket-key: eA==")
    yield Malformed(name="head: websocket", raw=request(b"", method="GET", lines=upgrade))
    yield Malformed(
        name="head: unknown min tier",
        raw=request(GOOD.replace(b"small", b"auto"), lines=(b"x-suffice-min-tier: none",)),
        must_answer=True,
    )


def bad_framing() -> Iterator[Malformed]:
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
    inner = request(GOOD)
    chunked = b"transfer-encoding: chunked"
    for value in (
        b"-1",
        b"+5",
        b"0x10",
        b"5, 6",
        b"5 6",
        b"",
        b"ten",
        b"1e2",
        b"18446744073709551617",
        b"\x0b5",
        b"5;a",
    ):
        yield Malformed(name=f"length: {value.decode()!r}", raw=framed(b"content-length: " + value))
    pairs = {
        "two lengths": (b"content-length: 0", b"content-length: %d" % len(GOOD)),
        "length and chunks": (b"content-length: 4", chunked),
        "chunks and length": (chunked, b"content-length: 4"),
        "chunks in HTTP/1.0": (chunked, b"connection: keep-alive"),
        "chunked twice": (b"transfer-encoding: chunked, chunked",),
        "two codings": (chunked, b"transfer-encoding: identity"),
        "unknown coding": (b"transfer-encoding: cow",),
        "almost chunked": (b"transfer-encoding: xchunked",),
        "chunked not last": (b"transfer-encoding: chunked, gzip",),
        "gzip before chunked": (b"transfer-encoding: gzip, chunked",),
        "quoted chunked": (b'transfer-encoding: "chunked"',),
        "tabbed chunked": (b"transfer-encoding:\x0bchunked",),
        "blank before the colon": (b"transfer-encoding : chunked",),
        "null in chunked": (b"transfer-encoding: chun\x00ked",),
        "folded chunked": (b"transfer-encoding:\r\n chunked",),
    }
    for name, lines in pairs.items():
        start = b"POST /v1/chat/completions HTTP/1.%d" % (0 if "1.0" in name else 1)
        yield Malformed(name=f"smuggling: {name}", raw=framed(*lines, start=start, body=b"0\r\n\r\n" + inner))
    bodies = {
        "size is no number": b"zz\r\n" + GOOD,
        "negative size": b"-1\r\n" + GOOD,
        "size beyond 64 bits": b"FFFFFFFFFFFFFFFFF\r\n" + GOOD,
        "size with 0x": b"0x" + chunk,
        "size with a blank": b"1 0\r\n" + GOOD,
        "no size": b"\r\n" + chunk,
        "no line end after a chunk": chunk.replace(b"}\r\n0", b"}0"),
        "bare LF after a size": chunk.replace(b"\r\n", b"\n", 1),
        "bare LF at the end of a chunk": b"%x\r\n%s\n0\r\n\r\n" % (len(GOOD), GOOD),
        "bare LF in an extension": b"%x;a\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD),
        "cut in a chunk": chunk[:40],
        "cut before the last chunk": chunk[:-5],
        "cut in the size": b"1",
        "extension of 100 kB": b"%x;%s\r\n%s\r\n0\r\n\r\n" % (len(GOOD), b"a" * 100_000, GOOD),
        "1,000 trailers": chunk[:-2] + b"".join(b"t%d: x\r\n" % index for index in range(1000)) + b"\r\n",
        "bad JSON in chunks": b"1\r\n{\r\n0\r\n\r\n",
    }
    for name, body in bodies.items():
        yield Malformed(name=f"chunks: {name}", raw=framed(chunked, body=body), must_answer="JSON" in name)
    yield Malformed(name="smuggling: after bad JSON", raw=request(b"{") + b"G" + inner, must_answer=True)
    yield Malformed(name="smuggling: bare LF in the head", raw=inner.replace(b"\r\n", b"\n"))
    yield Malformed(name="smuggling: bare CR in the head", raw=inner.replace(b"\r\n", b"\r"))
    get = b"GET /v1/files HTTP/1.1\r\nhost: gateway\r\ncontent-length: 5\r\n\r\n"
    yield Malformed(name="smuggling: body of a GET", raw=get + b"12345", must_answer=True)


def bad_sizes() -> Iterator[Malformed]:
    large = GOOD.replace(b"smuggled", b"x" * (2 * MAX_BODY_BYTES))
    yield Malformed(name="size: body over the limit", raw=request(large))
    over = b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)
    yield Malformed(name="size: chunks over the limit", raw=framed(b"transfer-encoding: chunked", body=over))
    small_chunks = b"".join(b"1\r\nx\r\n" for _ in range(2 * MAX_BODY_BYTES)) + b"0\r\n\r\n"
    yield Malformed(
        name="size: small chunks over the limit", raw=framed(b"transfer-encoding: chunked", body=small_chunks)
    )
    yield Malformed(name="size: 10 GB announced", raw=framed(b"content-length: 10000000000", body=b"{"), waits=True)
    yield Malformed(
        name="size: 10 GB awaited", raw=framed(b"content-length: 10000000000", b"expect: 100-continue", body=b"")
    )
    yield Malformed(name="slow: half a body", raw=framed(b"content-length: 500"), waits=True)
    yield Malformed(name="slow: half a body, then gone", raw=framed(b"content-length: 500"))
    yield Malformed(name="slow: half a head", raw=framed()[:30], waits=True)
    yield Malformed(name="slow: half a head, then gone", raw=framed()[:30])
    yield Malformed(name="slow: half a chunk", raw=framed(b"transfer-encoding: chunked", body=b"ff\r\n{"), waits=True)


def no_http() -> Iterator[Malformed]:
    texts = {
        "nothing": b"",
        "line ends": b"\r\n" * 100,
        "nulls": bytes(1000),
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
        "HTTP/0.9": b"GET /v1/models\r\n\r\n",
        "HTTP/9.9": request(GOOD).replace(b"HTTP/1.1", b"HTTP/9.9"),
        "HTTP/2.0 as text": request(GOOD).replace(b"HTTP/1.1", b"HTTP/2.0"),
        "no version number": request(GOOD).replace(b"HTTP/1.1", b"HTTP/"),
        "another protocol": request(GOOD).replace(b"HTTP/1.1", b"ICY/1.1"),
        "blank after the version": request(GOOD).replace(b"HTTP/1.1", b"HTTP/1.1 x"),
        "mail": b"EHLO client\r\nMAIL FROM:<a@b>\r\n",
        "SOCKS": b"\x05\x01\x00",
        "a status line": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "JSON alone": GOOD,
        "a long line": b"A" * 100_000,
    }
    for name, text in texts.items():
        yield Malformed(name=f"no HTTP: {name}", raw=text)
