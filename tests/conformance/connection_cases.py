"""Connections: pipelines, keeping and closing, expectations, upgrades, sizes, slowness, and what is no HTTP at all."""

from collections.abc import Iterator

from http_case import (
    CHUNKED,
    HELLO,
    HIDDEN,
    LENGTH,
    MAX_BODY_BYTES,
    READ_TIMEOUT_S,
    START,
    Case,
    Piece,
    Wait,
    answered,
    ask,
    case,
    chunked,
    closed,
    head,
    refused,
    whole,
)

_CLOSE = b"connection: close"
_TEN = START[:-1] + b"0"
_UPGRADE = "h11 goes on with HTTP/1.1 where an upgrade is declined; we close, so that nothing is read twice"
_LIMIT = "a limit of ours; h11 knows none"


def connection_cases() -> Iterator[Case]:
    """The theme's cases."""
    yield from _pipelines()
    yield from _keeping()
    yield from _expectations()
    yield from _upgrades()
    yield from _sizes()
    yield from _slowness()
    yield from _no_http()


def _pipelines() -> Iterator[Case]:
    three = ("one", "two", "three")
    yield case("pipeline: three requests", b"".join(map(whole, three)), answered(200, 200, 200), says=three)
    body = ask("one", "!sleep 0.2")
    slow = head(b"content-length: %d" % len(body)) + body
    yield case("pipeline: a slow one first", slow + whole("two") + whole("three"), answered(200, 200, 200), says=three)
    yield case(
        "pipeline: of different kinds",
        whole("one") + head(start=b"GET /health HTTP/1.1") + head(CHUNKED) + chunked(ask("two")),
        answered(200, 200, 200),
        says=("one", "two"),
    )
    yield case(
        "pipeline: an unknown path between",
        whole("one") + head(start=b"GET /x HTTP/1.1") + whole("two"),
        answered(200, 404, 200),
        says=("one", "two"),
    )
    yield case(
        "pipeline: a bad body between",
        whole("one") + head(b"content-length: 1") + b"{" + whole("two"),
        answered(200, 400, 200),
        says=("one", "two"),
    )
    yield case(
        "pipeline: an invalid second", (whole(), Wait.ANSWER, b"garbage\r\n\r\n" + HIDDEN), refused(after=(200,))
    )
    at_once = refused(after=(200,), may_break_off=True)
    yield case("pipeline: an invalid second at once", whole() + b"garbage\r\n\r\n" + HIDDEN, at_once)
    yield case(
        "pipeline: an ambiguous second",
        (whole(), Wait.ANSWER, head(LENGTH, CHUNKED) + chunked(HELLO) + HIDDEN),
        refused(after=(200,)),
        differs="h11 lets the coding win; RFC 9112 6.1 allows refusing, and proxies differ",
    )
    yield case(
        "pipeline: twenty at once",
        b"".join(map(whole, map(str, range(20)))),
        answered(*[200] * 20),
        says=tuple(map(str, range(20))),
    )
    yield case(
        "pipeline: cut within the second",
        (whole("one") + whole("two")[:40], Wait.ANSWER, whole("two")[40:]),
        answered(200, 200),
        says=("one", "two"),
    )


def _keeping() -> Iterator[Case]:
    yield case("keep: by default", (whole(), Wait.ANSWER, whole()), answered(200, 200))
    yield case(
        "keep: connection: close",
        whole("hello", _CLOSE) + HIDDEN,
        answered(closes=True),
    )
    yield case("keep: close in capitals, in a list", whole("hello", b"connection: x, CLOSE"), answered(closes=True))
    yield case("keep: keep-alive and close", whole("hello", b"connection: keep-alive, close"), answered(closes=True))
    yield case("keep: HTTP/1.0", whole(start=_TEN) + HIDDEN, answered(closes=True))
    yield case(
        "keep: HTTP/1.0 with keep-alive", whole("hello", b"connection: keep-alive", start=_TEN), answered(closes=True)
    )
    yield case(
        "keep: closed after an answered error", head(b"content-length: 1", _CLOSE) + b"{", answered(400, closes=True)
    )


def _expectations() -> Iterator[Case]:
    expects = head(LENGTH, b"expect: 100-continue")
    yield case("expect: 100-continue, waited for", (expects, Wait.INTERIM, HELLO), answered(n_interim=1))
    yield case(
        "expect: 100-continue in capitals",
        (head(LENGTH, b"Expect: 100-Continue"), Wait.INTERIM, HELLO),
        answered(n_interim=1),
    )
    yield case(
        "expect: 100-continue with chunks",
        (head(CHUNKED, b"expect: 100-continue"), Wait.INTERIM, chunked(HELLO)),
        answered(n_interim=1),
    )
    yield case(
        "expect: a second request is asked to wait too",
        (expects, Wait.INTERIM, HELLO, Wait.ANSWER, expects, Wait.INTERIM, HELLO),
        answered(200, 200, n_interim=2),
    )
    yield case(
        "expect: a body over the limit is not asked for",
        head(b"content-length: %d" % (MAX_BODY_BYTES + 1), b"expect: 100-continue"),
        refused(413, 417),
    )
    yield case("expect: something else", head(LENGTH, b"expect: tea") + HELLO, answered())


def _upgrades() -> Iterator[Case]:
    h2c = (b"connection: upgrade, http2-settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAAQAAP__")
    yield case("upgrade: h2c", whole("hello", *h2c) + HIDDEN, answered(closes=True), differs=_UPGRADE)
    websocket = (
        b"connection: upgrade",
        b"upgrade: websocket",
        b"sec-websocket-version: 13",
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    get = head(*websocket, start=b"GET /v1/chat/completions HTTP/1.1")
    yield case("upgrade: websocket", get + HIDDEN, answered(405, closes=True), differs=_UPGRADE)
    yield case("upgrade: h2c with chunks", head(CHUNKED, *h2c) + chunked(HELLO), answered(closes=True))
    pieces = tuple(bytes([byte]) for byte in whole("hello", *h2c))
    yield case("upgrade: h2c, one byte at a time", pieces, answered(closes=True))
    bad = head(CHUNKED, *h2c) + b"zz\r\n" + HIDDEN
    yield case("upgrade: h2c with a faulty body", bad, refused())
    yield case("upgrade: without connection: upgrade", whole("hello", b"upgrade: h2c"), answered())


def _sizes() -> Iterator[Case]:
    padded = HELLO[:-1] + b" " * (MAX_BODY_BYTES - len(HELLO)) + b"}"
    exact = head(b"content-length: %d" % len(padded)) + padded
    yield case("size: a body of exactly the limit", exact, answered())
    large = padded + b" "
    over = refused(413, may_be_silent=True)
    yield case("size: a body over the limit", head(b"content-length: %d" % len(large)) + large, over, differs=_LIMIT)
    yield case("size: chunks over the limit", head(CHUNKED) + chunked(large), over, differs=_LIMIT)
    ones = b"".join(b"1\r\n \r\n" for _ in range(MAX_BODY_BYTES + 1)) + b"0\r\n\r\n"
    yield case("size: chunks of one byte over the limit", head(CHUNKED) + ones, over, differs=_LIMIT)
    yield case("size: 10 GB announced", head(b"content-length: 10000000000") + b"{", refused(413))
    yield case("size: 2^63 announced", head(b"content-length: 9223372036854775808") + b"{", refused(400, 413))


def _drip(raw: bytes, n: int) -> tuple[Piece, ...]:
    """One byte at a time, over longer than a client may take."""
    pause = 4 * READ_TIMEOUT_S / n
    return tuple(piece for at in range(n) for piece in (raw[at : at + 1], pause))


def _slowness() -> Iterator[Case]:
    late = refused(408, may_be_silent=True)
    fast = tuple(bytes([byte]) for byte in whole())
    yield case("slow: whole, one byte at a time", fast, answered())
    yield case("slow: a request line only", START + b"\r\n", late)
    yield case("slow: half a head", head(LENGTH)[:40], late)
    yield case("slow: a head that drips", _drip(head(*[b"a: b"] * 10), 30), late)
    yield case("slow: a body that does not come", head(LENGTH), late)
    yield case("slow: a body that drips", (head(LENGTH), *_drip(HELLO, 30)), late)
    yield case("slow: chunks that drip", (head(CHUNKED), *_drip(b"1\r\n{\r\n" * 10, 30)), late)
    yield case("slow: a chunk extension that drips", (head(CHUNKED) + b"1;", *_drip(b"a" * 30, 30)), late)
    yield case(
        "slow: trailers that drip", (head(CHUNKED) + chunked(HELLO, last=b"0\r\n"), *_drip(b"x: y\r\n" * 10, 30)), late
    )
    yield case(
        "slow: a second head that drips",
        (whole(), Wait.ANSWER, *_drip(head(LENGTH), 30)),
        refused(408, after=(200,), may_be_silent=True),
    )
    refused_body = head(b"content-length: 60000", start=b"POST /v1/nothing HTTP/1.1")
    yield case(
        "slow: the body of a request already answered",
        (refused_body, *_drip(b" " * 30, 30)),
        closed(after=(404,)),
        differs="h11 answers when the body is whole",
    )
    yield case("slow: empty lines that drip", _drip(b"\r\n" * 15, 30), late)


def _no_http() -> Iterator[Case]:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2
    texts = {
        "a TLS client's hello": hello,
        "zeros": bytes(1000),
        "mail": b"EHLO client\r\nMAIL FROM:<a@b>\r\n",
        "SOCKS": b"\x05\x01\x00",
        "a PROXY line": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + whole(),
        "an answer": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "JSON alone": HELLO,
        "a long line": b"A" * 100_000,
    }
    for name, text in texts.items():
        yield case(f"not HTTP: {name}", text, refused(400, 431, may_be_silent=len(text) > 50_000))
    yield case("not HTTP: line ends only", b"\r\n" * 100, refused(408, may_be_silent=True))
