"""Bodies in chunks: sizes, extensions, terminators, trailers."""

from collections.abc import Iterator

from http_case import CHUNKED, HELLO, HIDDEN, MAX_BODY_BYTES, Case, answered, case, chunked, head, refused

_SIZE = b"%x" % len(HELLO)
_CHUNK = b"%s\r\n%s\r\n" % (_SIZE, HELLO)
_LAST = b"0\r\n\r\n"


def chunk_cases() -> Iterator[Case]:
    """The theme's cases."""
    yield from _good()
    yield from _bad_sizes()
    yield from _bad_ends()


def _send(name: str, body: bytes, *, differs: str = "") -> Case:
    return case(f"chunks: {name}", head(CHUNKED) + body, answered(), differs=differs)


def _good() -> Iterator[Case]:
    yield _send("one", chunked(HELLO))
    yield _send("of one byte each", chunked(*(HELLO[at : at + 1] for at in range(len(HELLO)))))
    yield _send("a size in capitals", b"%X\r\n%s\r\n0\r\n\r\n" % (len(HELLO), HELLO))
    yield _send("a size with leading zeros", b"000" + _CHUNK + _LAST)
    yield _send("a last chunk of several zeros", _CHUNK + b"000\r\n\r\n")
    yield _send("an extension", b"%s;a=b\r\n%s\r\n0;c\r\n\r\n" % (_SIZE, HELLO))
    yield _send("an extension in quotes", b'%s;a="b c"\r\n%s\r\n0\r\n\r\n' % (_SIZE, HELLO))
    yield _send("trailers", _CHUNK + b"0\r\nx-sum: 1\r\n\r\n")
    yield case(
        "chunks: a next request right behind",
        head(CHUNKED) + chunked(HELLO) + head(CHUNKED) + chunked(HELLO),
        answered(200, 200),
    )
    pieces = tuple(
        piece for line in (head(CHUNKED), _SIZE, b"\r\n", HELLO, b"\r", b"\n", _LAST) for piece in (line, 0.02)
    )
    yield case("chunks: in pieces", pieces, answered())


def _bad_sizes() -> Iterator[Case]:
    texts = {
        "no number": b"zz",
        "empty": b"",
        "a minus sign": b"-1",
        "a plus sign": b"+1",
        "0x": b"0x" + _SIZE,
        "an underscore": b"1_0",
        "a blank within": b"1 0",
        "a blank before": b" " + _SIZE,
        "a tab before": b"\t" + _SIZE,
        "a null": _SIZE + b"\x00",
        "a point": _SIZE + b".0",
        "over 64 bits": b"1" + b"0" * 16,
        "over 128 bits": b"F" * 33,
        "64 bits of zeros and a wrap": b"10000000000000000" + _SIZE,
    }
    for name, text in texts.items():
        raw = head(CHUNKED) + text + b"\r\n" + HELLO + b"\r\n" + _LAST + HIDDEN
        yield case(f"chunks: size: {name}", raw, refused(400, 413))
    for name, text in {"a blank after": _SIZE + b" ", "a tab after": _SIZE + b"\t"}.items():
        raw = head(CHUNKED) + text + b"\r\n" + HELLO + b"\r\n" + _LAST
        yield case(f"chunks: size: {name}", raw, refused(), differs="h11 takes white space there; the grammar has none")
    yield case(
        "chunks: size: over the limit, announced only",
        head(CHUNKED) + b"%x\r\n" % (MAX_BODY_BYTES + 1),
        refused(408, 413),
    )


def _bad_ends() -> Iterator[Case]:
    differing = {
        "bare CR in an extension": "h11 does not look into extensions",
        "a null in an extension": "h11 does not look into extensions",
        "a trailer that is called like a length": "h11 takes it; RFC 9110 6.5.1 forbids to send it",
    }
    bodies = {
        "a trailer that is called like a length": _CHUNK + b"0\r\ncontent-length: 3\r\n\r\n",
        "a trailer that is called like a coding": _CHUNK + b"0\r\ntransfer-encoding: x\r\n\r\n",
        "bare LF after a size": b"%s\n%s\r\n0\r\n\r\n" % (_SIZE, HELLO),
        "bare CR after a size": b"%s\r%s\r\n0\r\n\r\n" % (_SIZE, HELLO),
        "bare LF after a chunk": b"%s\r\n%s\n0\r\n\r\n" % (_SIZE, HELLO),
        "bare CR after a chunk": b"%s\r\n%s\r0\r\n\r\n" % (_SIZE, HELLO),
        "nothing after a chunk": b"%s\r\n%s0\r\n\r\n" % (_SIZE, HELLO),
        "a byte too many in a chunk": b"%s\r\n%s \r\n0\r\n\r\n" % (_SIZE, HELLO),
        "two bytes after a chunk that are no line end": b"%s\r\n%sXX0\r\n\r\n" % (_SIZE, HELLO),
        "bare LF in an extension": b"%s;a\n%s\r\n0\r\n\r\n" % (_SIZE, HELLO),
        "bare CR in an extension": b"%s;a\rb\r\n%s\r\n0\r\n\r\n" % (_SIZE, HELLO),
        "a null in an extension": b"%s;a\x00\r\n%s\r\n0\r\n\r\n" % (_SIZE, HELLO),
        "bare LF after the last chunk": _CHUNK + b"0\n\r\n",
        "a trailer with a blank before its colon": _CHUNK + b"0\r\nx : y\r\n\r\n",
        "a trailer without a colon": _CHUNK + b"0\r\nxyz\r\n\r\n",
        "a null in a trailer": _CHUNK + b"0\r\nx: a\x00\r\n\r\n",
    }
    for name, body in bodies.items():
        yield case(f"chunks: {name}", head(CHUNKED) + body + HIDDEN, refused(), differs=differing.get(name, ""))
    yield case("chunks: no last chunk", head(CHUNKED) + _CHUNK, refused(408, may_be_silent=True))
    yield case("chunks: no last chunk, then gone", head(CHUNKED) + _CHUNK, refused(may_be_silent=True), half_close=True)
    yield case(
        "chunks: no line end after the last chunk", head(CHUNKED) + _CHUNK + b"0\r\n", refused(408, may_be_silent=True)
    )
    long_extension = b"%s;%s\r\n%s\r\n0\r\n\r\n" % (_SIZE, b"a" * 100_000, HELLO)
    yield case("chunks: an extension of 100 kB", head(CHUNKED) + long_extension, refused(400, 431, may_be_silent=True))
    many = b"".join(b"t%d: x\r\n" % index for index in range(1000))
    yield case(
        "chunks: 1,000 trailers",
        head(CHUNKED) + _CHUNK + b"0\r\n" + many + b"\r\n",
        refused(400, 431, may_be_silent=True),
        differs="h11 does not count them",
    )
