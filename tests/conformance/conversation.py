"""One connection of a raw client: it sends what it is told, and reads all that comes."""

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass, field

from h11_judge import Answers, read_answers
from http_case import Case, Piece, Wait

DEADLINE_S = 15.0
PROBE = b"GET /health HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n"
"""Sent where a connection is to go on; its answer must be the next and last one."""


@dataclass(slots=True)
class Conversation:
    """A connection and what came over it."""

    connection: socket.socket
    bodiless: bool = False
    received: bytearray = field(default_factory=bytearray)
    ended: bool = False
    _deadline: float = field(default_factory=lambda: time.monotonic() + DEADLINE_S)

    @property
    def answers(self) -> Answers:
        """All answers so far."""
        return read_answers(bytes(self.received), bodiless=self.bodiless, ended=self.ended)

    def send(self, pieces: tuple[Piece, ...]) -> None:
        """Send these, until the server closes."""
        n_seen = 0
        for piece in pieces:
            if self.ended:
                return
            if isinstance(piece, float | int):
                self.read(time.monotonic() + piece)
            elif isinstance(piece, Wait):
                n_seen += 1
                self._await(piece, n_seen)
            else:
                # A server may refuse, and close, before it has read everything.
                with contextlib.suppress(OSError):
                    self.connection.sendall(piece)

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)

    def read(self, until: float | None = None) -> bool:
        """Read until the server closes, or a moment has come; whether anything was read."""
        n_before = len(self.received)
        limit = min(self._deadline, until or self._deadline)
        while not self.ended and (left := limit - time.monotonic()) > 0:
            self._read_once(left)
        return len(self.received) > n_before

    def read_answers(self, n: int) -> None:
        """Read until there are so many answers, or the server closes.

        Raises:
            TimeoutError: It does neither.
        """
        while not self.ended and len(self.answers.whole) < n:
            self._read_once(self._left())

    def read_to_end(self) -> None:
        """Read until the server closes.

        Raises:
            TimeoutError: It does not.
        """
        while not self.ended:
            self._read_once(self._left())

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"neither answered nor closed; so far {bytes(self.received[-2000:])!r}")
        return left

    def _read_once(self, timeout_s: float) -> None:
        self.connection.settimeout(timeout_s)
        try:
            chunk = self.connection.recv(65536)
        except TimeoutError:
            return
        except (ConnectionError, ssl.SSLError):
            chunk = b""
        finally:
            with contextlib.suppress(OSError):
                self.connection.settimeout(DEADLINE_S)
        self.received += chunk
        self.ended = not chunk

    def _await(self, what: Wait, n: int) -> None:
        if what is Wait.INTERIM:
            while not self.ended and self.received.count(b"HTTP/1.1 100") < (n + 1) // 2:
                self._read_once(self._left())
        else:
            self.read_answers((n + 1) // 2)


def converse(port: int, case: Case) -> Conversation:
    """Send a case's bytes and read until its end: the server's close, or the answer to the probe behind it.

    Raises:
        TimeoutError: The server neither answers nor closes.
    """
    expected = case.expected
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conversation = Conversation(connection, bodiless=case.bodiless)
        conversation.send(case.pieces)
        if case.half_close:
            conversation.half_close()
        if not expected.closes:
            conversation.read_answers(len(expected.answers))
            conversation.send((PROBE,))
        conversation.read_to_end()
        return conversation
