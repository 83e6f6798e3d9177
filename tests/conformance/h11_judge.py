"""h11 as the judge: what a strict parser makes of a client's bytes, and of the answers we give."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import h11

MAX_EVENT_BYTES = 8 * 1024
_SLICE_BYTES = 4096


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


@dataclass(frozen=True, slots=True)
class Reading:
    """A client's bytes as h11 reads them."""

    requests: list[Asked]
    end: End
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


def read_requests(raw: bytes, *, max_event_bytes: int = MAX_EVENT_BYTES) -> Reading:
    """Read all requests on one connection, each answered at once."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=max_event_bytes)
    found: list[Asked] = []
    # In slices: its buffer takes time by the square of what is in it.
    slices = (raw[at : at + _SLICE_BYTES] for at in range(0, len(raw), _SLICE_BYTES))
    try:
        while True:
            asked = _read_request(connection, slices)
            if asked is None:
                is_empty = connection.their_state is h11.IDLE and not connection.trailing_data[0]
                return Reading(found, End.NOTHING if is_empty else End.PART)
            found.append(asked)
            # No success: after that, an upgrade or a CONNECT would go on as another protocol.
            connection.send(h11.Response(status_code=404, headers=[("content-length", "0")]))
            connection.send(h11.EndOfMessage())
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return Reading(found, End.CLOSED)
            connection.start_next_cycle()
    except h11.RemoteProtocolError as error:
        return Reading(found, End.REJECTED, str(error))


def _read_request(connection: h11.Connection, more: Iterator[bytes]) -> Asked | None:
    method = target = ""
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            chunk = next(more, b"")
            if not chunk:
                return None
            connection.receive_data(chunk)
        elif isinstance(event, h11.Request):
            method, target = event.method.decode(), event.target.decode("latin-1")
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Asked(method, target, bytes(body))


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
