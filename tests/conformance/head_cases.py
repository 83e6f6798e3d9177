"""Request lines and headers: targets, versions, methods, lines."""

import re
from collections.abc import Iterator

from http_case import (
    HELLO,
    HIDDEN,
    LENGTH,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    START,
    Case,
    answered,
    case,
    closed,
    head,
    refused,
    whole,
)

_LF = "h11 takes a lone LF as a line end; RFC 9112 2.2 allows it, proxies differ"
_FOLD = "h11 unfolds lines; RFC 9112 5.2 asks servers to refuse or unfold"
_BLANKS = "h11 wants one; RFC 9112 3 lets servers take several"
_EMPTY = "h11 wants none; RFC 9112 2.2 asks servers to skip them, and nothing can hide in them"
_VERSION = "h11 takes any version of this form, and reads it as 1.1"
_SIZE = "h11 holds its limit only against heads that are not whole"
_TARGET = "h11 does not look into targets; the gateway is no forward proxy"


def head_cases() -> Iterator[Case]:
    """The theme's cases."""
    yield from _lines()
    yield from _characters()
    yield from _hosts()
    yield from _start_lines()
    yield from _targets()


def _lines() -> Iterator[Case]:
    yield case("head: bare LF everywhere", whole().replace(b"\r\n", b"\n"), refused(), differs=_LF)
    yield case("head: bare LF after one header", head(b"x: y\nz: 1", LENGTH) + HELLO, refused(), differs=_LF)
    yield case("head: bare LF hides a length", head(b"x: y\ncontent-length: 0", LENGTH) + HELLO + HIDDEN, refused())
    yield case(
        "head: bare LF before the body", START + b"\r\nhost: a\r\n" + LENGTH + b"\r\n\n" + HELLO, refused(), differs=_LF
    )
    yield case("head: bare CR everywhere", whole().replace(b"\r\n", b"\r"), refused(408, 400, may_be_silent=True))
    yield case("head: bare CR in a value", head(b"x: a\rb", LENGTH) + HELLO, refused())
    yield case("head: bare CR hides a coding", head(b"x: a\rtransfer-encoding: chunked", LENGTH) + HELLO, refused())
    yield case("head: CR CR LF", head(b"x: a\r", LENGTH) + HELLO, refused())
    yield case("head: a folded line", head(b"x: a\r\n b", LENGTH) + HELLO, refused(), differs=_FOLD)
    yield case("head: a folded length", head(b"x: a\r\n\tcontent-length: 0", LENGTH) + HELLO, refused(), differs=_FOLD)
    yield case("head: a blank before the first header", head(LENGTH, host=b" host: gateway") + HELLO, refused())
    yield case("head: a line of blanks", head(b" ", LENGTH) + HELLO, refused(), differs=_FOLD)
    yield case("head: no colon", head(b"nonsense", LENGTH) + HELLO, refused())
    yield case("head: an empty name", head(b": x", LENGTH) + HELLO, refused())
    yield case("head: a blank before the colon", head(b"x : y", LENGTH) + HELLO, refused())
    yield case("head: a tab before the colon", head(b"x\t: y", LENGTH) + HELLO, refused())
    yield case("head: a blank in a name", head(b"x y: z", LENGTH) + HELLO, refused())
    yield case("head: an empty value", head(b"x:", LENGTH) + HELLO, answered())
    yield case("head: a header twice", head(b"x: 1", b"x: 2", LENGTH) + HELLO, answered())
    yield case("head: names in capitals", head(b"X-Y: 1", LENGTH.upper(), host=b"HOST: gateway") + HELLO, answered())


def _characters() -> Iterator[Case]:
    wrong = {
        "a null in a name": b"x\x00y: z",
        "a null in a value": b"x: a\x00b",
        "a name beyond ASCII": b"x\xfc: y",
        "a name with a slash": b"x/y: z",
        "a name in brackets": b"(x): y",
        "a name in quotes": b'"x": y',
        "a form feed in a value": b"x: a\x0cb",
        "an escape in a value": b"x: a\x1b[31m",
        "a delete in a value": b"x: a\x7fb",
    }
    for name, line in wrong.items():
        lenient = "escape" in name or "delete" in name
        differs = "h11 takes most control characters; RFC 9110 5.5 does not" if lenient else ""
        yield case(f"head: {name}", head(line, LENGTH) + HELLO, refused(), differs=differs)
    yield case("head: Latin-1 in a value", head(b"x: gr\xfc\xdfe", LENGTH) + HELLO, answered())
    yield case("head: UTF-8 in a value", head("x: grüße".encode(), LENGTH) + HELLO, answered())
    yield case("head: a tab in a value", head(b"x: a\tb", LENGTH) + HELLO, answered())


def _hosts() -> Iterator[Case]:
    yield case("host: missing", head(LENGTH, host=None) + HELLO, refused())
    yield case(
        "host: missing in HTTP/1.0", head(LENGTH, start=START[:-1] + b"0", host=None) + HELLO, answered(closes=True)
    )
    yield case("host: two", head(b"host: other", LENGTH) + HELLO, refused())
    yield case("host: the same twice", head(b"host: gateway", LENGTH) + HELLO, refused())
    yield case("host: two in HTTP/1.0", head(b"host: other", LENGTH, start=START[:-1] + b"0") + HELLO, refused())
    yield case("host: empty", head(LENGTH, host=b"host:") + HELLO, answered())
    yield case("host: with a port", head(LENGTH, host=b"host: gateway:8080") + HELLO, answered())
    yield case("host: with a blank before the colon", head(LENGTH, host=b"host : gateway") + HELLO, refused())


def _start_lines() -> Iterator[Case]:
    yield case(
        "start: empty lines before it",
        b"\r\n\r\n" + whole(),
        answered(),
        differs=_EMPTY,
    )
    yield case("start: a bare LF before it", b"\n" + whole(), answered(), differs=_EMPTY)
    yield case("start: a blank before it", b" " + whole(), refused())
    starts = {
        "two blanks before the version": START.replace(b" H", b"  H"),
        "two blanks before the target": START.replace(b" /", b"  /"),
    }
    for name, start in starts.items():
        yield case(f"start: {name}", head(LENGTH, start=start) + HELLO, answered(), differs=_BLANKS)
    yield case("start: a tab before the target", head(LENGTH, start=START.replace(b" /", b"\t/")) + HELLO, refused())
    yield case("start: a tab before the version", head(LENGTH, start=START.replace(b" H", b"\tH")) + HELLO, refused())
    methods = {
        "in lower case": b"post",
        "unknown": b"FOO",
        "a longer one": b"POSTS",
        "a part of one": b"POS",
        "empty": b"",
        "with a colon": b"PO:ST",
        "with a null": b"POST\x00",
        "beyond ASCII": b"P\xd6ST",
    }
    for name, method in methods.items():
        differs = (
            "h11 takes any token; unknown methods are refused before they are read"
            if method.isalpha() and method.isascii()
            else ""
        )
        raw = head(LENGTH, start=method + b" /v1/chat/completions HTTP/1.1") + HELLO
        yield case(f"method: {name}", raw, refused(400, 405, 501), differs=differs)
    for method in (b"PUT", b"DELETE", b"PATCH", b"OPTIONS"):
        raw = head(LENGTH, start=method + b" /v1/chat/completions HTTP/1.1") + HELLO
        yield case(f"method: {method.decode()} where POST is wanted", raw, answered(405))
    yield case("method: HEAD", head(start=b"HEAD /v1/models HTTP/1.1"), answered(405), bodiless=True)
    yield case(
        "method: CONNECT", head(start=b"CONNECT large:443 HTTP/1.1") + HIDDEN, refused(400, 405), differs=_TARGET
    )
    yield case("method: TRACE", head(start=b"TRACE /v1/models HTTP/1.1"), answered(405))
    versions = {
        "0.9": b"HTTP/0.9",
        "1.2": b"HTTP/1.2",
        "2.0": b"HTTP/2.0",
        "9.9": b"HTTP/9.9",
        "of one digit": b"HTTP/1",
        "of two digits": b"HTTP/1.10",
        "in lower case": b"http/1.1",
        "empty": b"HTTP/",
        "of another protocol": b"ICY/1.1",
        "with text behind": b"HTTP/1.1 x",
        "with a blank behind": b"HTTP/1.1 ",
        "with a blank within": b"HTTP / 1.1",
    }
    for name, version in versions.items():
        raw = head(LENGTH, start=b"POST /v1/chat/completions " + version) + HELLO
        differs = _VERSION if re.fullmatch(rb"HTTP/\d\.\d", version) else ""
        yield case(f"version: {name}", raw, refused(400, 505), differs=differs)
    yield case("version: none, as in HTTP/0.9", b"GET /v1/models\r\n\r\n" + HIDDEN, refused())
    yield case(
        "version: the preface of HTTP/2",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
        refused(400, 505),
        differs=_VERSION,
    )


def _targets() -> Iterator[Case]:
    other = {
        "absolute form": b"http://gateway/v1/chat/completions",
        "absolute form of another host": b"http://other/v1/chat/completions",
        "absolute form without a path": b"http://gateway",
        "asterisk form": b"*",
        "authority form": b"gateway:443",
        "no slash at its begin": b"v1/chat/completions",
        "a question mark alone": b"?x=1",
    }
    for name, target in other.items():
        yield case(
            f"target: {name}", head(LENGTH, start=b"POST " + target + b" HTTP/1.1") + HELLO, refused(), differs=_TARGET
        )
    broken = {
        "empty": b"",
        "a blank within": b"/v1/chat completions",
        "a tab within": b"/v1/chat\tcompletions",
        "a null within": b"/v1/chat\x00completions",
        "a delete within": b"/v1/chat\x7fcompletions",
        "a bare CR within": b"/v1/chat\rcompletions",
    }
    for name, target in broken.items():
        yield case(f"target: {name}", head(LENGTH, start=b"POST " + target + b" HTTP/1.1") + HELLO, refused())
    yield case("target: beyond ASCII", head(LENGTH, start="POST /v1/ü HTTP/1.1".encode()) + HELLO, refused())
    yield case(
        "target: a fragment",
        head(LENGTH, start=START.replace(b" HTTP", b"#a HTTP")) + HELLO,
        refused(),
        differs=_TARGET,
    )
    yield case("target: a query is left", head(LENGTH, start=START.replace(b" HTTP", b"?a=b HTTP")) + HELLO, answered())
    paths = [b"/", b"//v1/chat/completions", b"/v1/chat/../chat/completions", b"/v1/chat%2fcompletions", b"/v1/models/"]
    for path in paths:
        raw = head(LENGTH, start=b"POST " + path + b" HTTP/1.1") + HELLO
        yield case(f"target: {path.decode()}", raw, answered(404))
    long = b"POST /" + b"a" * MAX_HEADER_BYTES + b" HTTP/1.1"
    yield case("target: over the limit", head(LENGTH, start=long) + HELLO, refused(400, 414, 431), differs=_SIZE)
    lines = [b"a%d: %s" % (index, b"b" * 1000) for index in range(MAX_HEADER_BYTES // 1000 + 1)]
    large = {
        "one line": [b"x: " + b"y" * MAX_HEADER_BYTES],
        "one name": [b"y" * MAX_HEADER_BYTES + b": x"],
        "many lines": lines,
    }
    for name, chosen in large.items():
        yield case(f"head: over the limit in {name}", head(*chosen, LENGTH) + HELLO, refused(431), differs=_SIZE)
    many = [b"a%d: b" % index for index in range(MAX_HEADERS + 1)]
    yield case("head: too many lines", head(*many, LENGTH) + HELLO, refused(431), differs="h11 does not count them")
    yield case("head: as many lines as allowed", head(*many[: MAX_HEADERS - 2], LENGTH) + HELLO, answered())
    yield case(
        "head: a megabyte without an end", START + b"\r\nx: " + b"y" * 1_000_000, refused(431, may_be_silent=True)
    )
    yield case("not HTTP: nothing", b"", closed(), half_close=True)
