"""Where a message ends: lengths, codings, and what hides behind them."""

from collections.abc import Iterator

from http_case import CHUNKED, HELLO, HIDDEN, LENGTH, START, Case, answered, ask, case, chunked, head, refused

_TEN = b"POST /v1/chat/completions HTTP/1.0"
_BOTH = "h11 lets the coding win; RFC 9112 6.1 allows refusing, and proxies differ"


def framing_cases() -> Iterator[Case]:
    """The theme's cases."""
    yield from _conflicts()
    yield from _codings()
    yield from _lengths()


def _conflicts() -> Iterator[Case]:
    five = b"content-length: 5"
    yield case("CL.TE: the length covers a hidden request", _cl_te(), refused(), differs=_BOTH)
    yield case(
        "TE.CL: the chunks cover a hidden request",
        head(CHUNKED, b"content-length: 4") + chunked(HIDDEN),
        refused(),
        differs=_BOTH,
    )
    yield case("CL.TE: a length of 0", head(b"content-length: 0", CHUNKED) + chunked(HELLO), refused(), differs=_BOTH)
    yield case("CL.TE: chunked, then the true length", head(CHUNKED, LENGTH) + chunked(HELLO), refused(), differs=_BOTH)
    yield case("CL.TE: the coding in capitals", _cl_te(b"TRANSFER-ENCODING: CHUNKED"), refused(), differs=_BOTH)
    yield case("CL.CL: two lengths", head(b"content-length: 0", LENGTH) + HELLO + HIDDEN, refused())
    yield case("CL.CL: two lengths, the larger first", head(LENGTH, b"content-length: 0") + HELLO + HIDDEN, refused())
    yield case(
        "CL.CL: the same length twice",
        head(LENGTH, LENGTH) + HELLO,
        refused(),
        differs="h11 takes equal lengths as one; RFC 9110 8.6 allows either",
    )
    yield case("CL.CL: equal as numbers, not as texts", head(five, b"content-length: 05") + b"hello", refused())
    yield case(
        "CL: the same length twice in one line",
        head(b"content-length: %d, %d" % (len(HELLO), len(HELLO))) + HELLO,
        refused(),
        differs="h11 takes equal lengths as one; RFC 9110 8.6 allows either",
    )
    yield case("CL: two lengths in one line", head(b"content-length: 5, 6") + HELLO, refused())


def _cl_te(coding: bytes = CHUNKED) -> bytes:
    body = b"0\r\n\r\n" + HIDDEN
    return head(b"content-length: %d" % len(body), coding) + body


def _codings() -> Iterator[Case]:
    lines = {
        "chunked in capitals": b"transfer-encoding: CHUNKED",
        "blanks before chunked": b"transfer-encoding:  \t chunked",
        "a blank after chunked": b"transfer-encoding: chunked ",
        "no blank before chunked": b"transfer-encoding:chunked",
    }
    for name, line in lines.items():
        yield case(f"TE: {name}", head(line) + chunked(HELLO), answered())
    wrong = {
        "identity": b"identity",
        "an unknown coding": b"cow",
        "almost chunked, before": b"xchunked",
        "almost chunked, after": b"chunkedx",
        "chunked, then identity": b"chunked, identity",
        "identity, then chunked": b"identity, chunked",
        "chunked, then gzip": b"chunked, gzip",
        "gzip, then chunked": b"gzip, chunked",
        "chunked twice in one line": b"chunked, chunked",
        "a comma after chunked": b"chunked,",
        "a comma before chunked": b",chunked",
        "chunked with a parameter": b"chunked;q=1",
        "chunked in quotes": b'"chunked"',
        "nothing": b"",
        "a vertical tab before chunked": b"\x0bchunked",
        "a null in chunked": b"chun\x00ked",
        "a no-break space": b"\xa0chunked",
        "chunked with a full-width letter": "\uff43hunked".encode(),
    }
    for name, value in wrong.items():
        # 501 is what RFC 9112 6.1 names for a coding that is not understood.
        yield case(f"TE: {name}", head(b"transfer-encoding: " + value) + b"0\r\n\r\n" + HIDDEN, refused(400, 501))
    pairs = {
        "two lines, chunked last": (b"transfer-encoding: identity", CHUNKED),
        "two lines, chunked first": (CHUNKED, b"transfer-encoding: identity"),
        "two lines, chunked twice": (CHUNKED, CHUNKED),
    }
    for name, two in pairs.items():
        yield case(f"TE: {name}", head(*two) + b"0\r\n\r\n" + HIDDEN, refused(400, 501))
    yield case(
        "TE: folded",
        head(b"transfer-encoding:\r\n chunked") + chunked(HELLO),
        refused(),
        differs="h11 unfolds lines; RFC 9112 5.2 asks servers to refuse or unfold",
    )
    yield case("TE: a blank before the colon", head(b"transfer-encoding : chunked") + b"0\r\n\r\n" + HIDDEN, refused())
    yield case(
        "TE: chunked in HTTP/1.0",
        head(CHUNKED, start=_TEN) + chunked(HELLO) + HIDDEN,
        refused(),
        differs="h11 reads it; RFC 9112 6.1 calls the framing faulty",
    )
    yield case(
        "TE: the name with an underscore is another header",
        head(b"transfer_encoding: chunked", LENGTH) + HELLO,
        answered(),
    )
    yield case(
        "TE: hidden in another header's value",
        head(b"x: a transfer-encoding: chunked", LENGTH) + HELLO,
        answered(),
    )


def _lengths() -> Iterator[Case]:
    wrong = {
        "a plus sign": b"+5",
        "a minus sign": b"-5",
        "hexadecimal": b"0x10",
        "an exponent": b"1e2",
        "a point": b"5.0",
        "an underscore": b"1_0",
        "a blank within": b"5 6",
        "letters": b"ten",
        "nothing": b"",
        "over 64 bits": b"18446744073709551621",
        "a vertical tab": b"\x0b5",
        "a parameter": b"5;a=1",
        "a null at the end": b"5\x00",
        "Arabic digits": "\u0665".encode(),
        "superscript digits": b"\xb2",
    }
    for name, value in wrong.items():
        expected = refused(400, 413) if "bits" in name else refused()
        yield case(f"CL: {name}", head(b"content-length: " + value) + b"hello" + HIDDEN, expected)
    yield case(
        "CL: leading zeros",
        head(b"content-length: 000%d" % len(HELLO)) + HELLO,
        answered(),
    )
    yield case("CL: tabs around", head(b"content-length:\t%d\t" % len(HELLO)) + HELLO, answered())
    yield case("CL: a blank before the colon", head(b"content-length : 5") + b"hello" + HIDDEN, refused())
    yield case(
        "CL: shorter than the body",
        head(b"content-length: 1") + b"{" + b"}}" + HIDDEN,
        refused(after=(400,), may_break_off=True),
    )
    yield case("CL: longer than the body", head(b"content-length: 1000") + HELLO, refused(408, may_be_silent=True))
    yield case(
        "CL: longer than the body, then gone",
        head(b"content-length: 1000") + HELLO,
        refused(400, 408, may_be_silent=True),
        half_close=True,
    )
    yield case("CL: none, with a body behind", head() + HIDDEN, answered(400, 200), says=("smuggled",))
    ten = head(LENGTH, start=_TEN)
    yield case("CL: in HTTP/1.0", ten + HELLO, answered(closes=True))
    body = ask()
    get = head(b"content-length: %d" % len(body), start=b"GET /v1/models HTTP/1.1")
    yield case("CL: a body on GET is read and left", get + body, answered(200), says=())
    smuggling = head(b"content-length: %d" % len(HIDDEN), start=b"GET /v1/models HTTP/1.1") + HIDDEN
    yield case("CL: a request as the body of a GET", smuggling, answered(200), says=())
    yield case(
        "TE: a request in the chunks of a GET",
        head(CHUNKED, start=b"GET /v1/models HTTP/1.1") + chunked(HIDDEN),
        answered(200),
        says=(),
    )
    assert START in HIDDEN
