"""What one case of the conformance list says: bytes of a client, and what must become of them."""

import json
from dataclasses import dataclass
from enum import Enum

CHAT = "/v1/chat/completions"
START = b"POST /v1/chat/completions HTTP/1.1"
CHUNKED = b"transfer-encoding: chunked"
MAX_BODY_BYTES = 64 * 1024
"""What the gateway under test is told; likewise below."""
MAX_HEADER_BYTES = 8 * 1024
MAX_HEADERS = 50
READ_TIMEOUT_S = 1.0


class Wait(Enum):
    """What a client waits for before it sends more."""

    INTERIM = "the interim answer 100"
    ANSWER = "an answer"


Piece = bytes | float | Wait
"""Bytes to send, seconds of silence, or something to wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must become of a case."""

    answers: tuple[int, ...] = ()
    """Statuses of the requests that are served, in order."""
    refusal: frozenset[int] = frozenset()
    """Statuses of which one follows them, as the last answer; none: no refusal is written."""
    may_be_silent: bool = False
    """The connection may also be closed without the refusal."""
    closes: bool = False
    """The connection ends; otherwise it must go on serving."""
    may_break_off: bool = False
    """The refusal may take the place of answers that are still being made."""
    n_interim: int = 0
    """Interim answers (100)."""

    def __str__(self) -> str:
        parts = [f"answered {status}" for status in self.answers]
        parts += [f"refused {' or '.join(map(str, sorted(self.refusal)))}"] if self.refusal else []
        if self.closes and not self.refusal:
            parts.append("closed")
        elif self.may_be_silent:
            parts.append("or closed")
        return ", ".join(parts)


def answered(*statuses: int, closes: bool = False, n_interim: int = 0) -> Expected:
    """These answers; the connection stays unless `closes`."""
    return Expected(answers=statuses or (200,), closes=closes, n_interim=n_interim)


def refused(
    *statuses: int, after: tuple[int, ...] = (), may_be_silent: bool = False, may_break_off: bool = False
) -> Expected:
    """One of these statuses (400), after the answers to what came before, and the end of the connection."""
    chosen = frozenset(statuses or (400,))
    return Expected(
        answers=after, refusal=chosen, may_be_silent=may_be_silent, may_break_off=may_break_off, closes=True
    )


def closed(after: tuple[int, ...] = ()) -> Expected:
    """The end of the connection without a word."""
    return Expected(answers=after, closes=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One conversation over one connection."""

    name: str
    pieces: tuple[Piece, ...]
    expected: Expected
    says: tuple[str, ...] | None = None
    """What the generated answers say, in order: all that may reach an upstream. None: `hello` for each 200."""
    differs: str = ""
    """Why h11 judges otherwise; empty: it agrees."""
    half_close: bool = False
    """The client says afterwards that it will send no more."""
    bodiless: bool = False
    """The first answer has no body: HEAD."""

    @property
    def raw(self) -> bytes:
        """All bytes, without the pauses."""
        return b"".join(piece for piece in self.pieces if isinstance(piece, bytes))

    @property
    def texts(self) -> tuple[str, ...]:
        """What may reach an upstream, in order."""
        return ("hello",) * self.expected.answers.count(200) if self.says is None else self.says

    def __str__(self) -> str:
        return self.name


def case(
    name: str,
    raw: bytes | tuple[Piece, ...],
    expected: Expected,
    *,
    differs: str = "",
    says: tuple[str, ...] | None = None,
    half_close: bool = False,
    bodiless: bool = False,
) -> Case:
    """A case, its bytes in one piece or in several."""
    pieces = (raw,) if isinstance(raw, bytes) else raw
    return Case(
        name=name,
        pieces=pieces,
        expected=expected,
        says=says,
        differs=differs,
        half_close=half_close,
        bodiless=bodiless,
    )


def ask(text: str = "hello", *orders: str) -> bytes:
    """The body of a chat request whose answer is `text`; `orders` are more that the loopback upstream obeys."""
    content = "\n".join([f"!say {text}", *orders])
    return json.dumps({"model": "small", "messages": [{"role": "user", "content": content}]}).encode()


HELLO = ask()
LENGTH = b"content-length: %d" % len(HELLO)


def head(*lines: bytes, start: bytes = START, host: bytes | None = b"host: gateway") -> bytes:
    """A head that holds exactly these lines after its first line and its host."""
    return b"\r\n".join([start, *([] if host is None else [host]), *lines, b"", b""])


def whole(text: str = "hello", *lines: bytes, start: bytes = START) -> bytes:
    """A proper request."""
    body = ask(text)
    return head(*lines, b"content-length: %d" % len(body), start=start) + body


def chunked(*bodies: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(body), body) for body in bodies) + last


HIDDEN = whole("smuggled")
"""A request that no case may bring to an upstream."""
