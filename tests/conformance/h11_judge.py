"""h11 as the judge: what a strict parser makes of a client's bytes, and of the answers we give."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

import h11

MAX_EVENT_BYTES = 8 * 1024
_SLICE_BYTES = 4096
_BLANKS = re.compile(rb"\A(\S+) +(\S+) +(?=HTTP/)")


class End(StrEnum):
    """What comes after the last whole request."""

    NOTHING = "nothing"
    PART = "part of a request"
    REJECTED = "no HTTP"
    CLOSED = "bytes that nobody reads: the last request closed the connection"


@dataclass(frozen=True, slots=True)
class Asked:
    """A whole request."""

    method: str
    target: str
    body: bytes


@dataclass(slots=True)
class Reading:
    """A client's bytes as h11 reads them."""

    requests: list[Asked] = field(default_factory=list[Asked])
    end: End = End.NOTHING
    begun: Asked | None = None
    """The request of which the head was read, but not all of the body."""
    reason: str = ""


@dataclass(slots=True)
class Answer:
    """One answer of the server."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


@dataclass(slots=True)
class Answers:
    """What a server sent on one connection."""

    whole: list[Answer] = field(default_factory=list[Answer])
    interim: list[int] = field(default_factory=list[int])
    rest: bytes = b""
    """Begin of an answer that is not whole."""


def read_requests(raw: bytes, *, max_event_bytes: int = MAX_EVENT_BYTES, as_known: bool = False) -> Reading:
    """Read all requests on one connection, each answered at once.

    Args:
        raw: All that the client sends.
        max_event_bytes: Limit of a head that is not whole.
        as_known: Mend what h11 refuses and we are known to take: see `_mend`.
    """
    reading = Reading()
    rest = raw
    try:
        while rest := _mend(rest) if as_known else rest:
            connection = h11.Connection(h11.SERVER, max_incomplete_event_size=max_event_bytes)
            # In slices: its buffer takes time by the square of what is in it.
            slices = iter([rest[at : at + _SLICE_BYTES] for at in range(0, len(rest), _SLICE_BYTES)])
            if not _read_request(connection, slices, reading):
                reading.end = End.PART
                return reading
            # No success: after that, an upgrade or a CONNECT would go on as another protocol.
            connection.send(h11.Response(status_code=404, headers=[("content-length", "0")]))
            connection.send(h11.EndOfMessage())
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                reading.end = End.CLOSED
                return reading
            rest = connection.trailing_data[0] + b"".join(slices)
    except h11.RemoteProtocolError as error:
        reading.end, reading.reason = End.REJECTED, str(error)
    return reading


def _mend(raw: bytes) -> bytes:
    """Leave out line ends before a request line, and blanks too many in it: RFC 9112 2.2 and 3 let servers do so."""
    return _BLANKS.sub(rb"\1 \2 ", raw.lstrip(b"\r\n"), count=1)


def _read_request(connection: h11.Connection, more: Iterator[bytes], reading: Reading) -> bool:
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            chunk = next(more, b"")
            if not chunk:
                return False
            connection.receive_data(chunk)
        elif isinstance(event, h11.Request):
            reading.begun = Asked(event.method.decode(), event.target.decode("latin-1"), b"")
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and reading.begun is not None:
            reading.requests.append(replace(reading.begun, body=bytes(body)))
            reading.begun = None
            return True


def read_answers(received: bytes, *, bodiless: bool = False, ended: bool = False) -> Answers:
    """Read all answers on one connection.

    Args:
        received: From the connection's first byte.
        bodiless: The first request was HEAD.
        ended: Nothing more will come.

    Raises:
        h11.RemoteProtocolError: These are no answers.
    """
    answers = Answers(rest=received)
    while answers.rest:
        if not _read_answer(answers, bodiless=bodiless and not answers.whole, ended=ended):
            break
    return answers


def _read_answer(answers: Answers, *, bodiless: bool, ended: bool) -> bool:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="HEAD" if bodiless else "POST", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(answers.rest)
    answer = Answer(0, {})
    interim: list[int] = []
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if not ended or connection.their_state is not h11.SEND_BODY:
                return False
            connection.receive_data(b"")
        elif isinstance(event, h11.InformationalResponse):
            interim.append(event.status_code)
        elif isinstance(event, h11.Response):
            answer.status = event.status_code
            answer.headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            answer.body += event.data
        elif isinstance(event, h11.EndOfMessage):
            answers.whole.append(answer)
            answers.interim += interim
            answers.rest = connection.trailing_data[0]
            return True
