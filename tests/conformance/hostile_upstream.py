"""An upstream that answers with exactly the bytes it is told, over bare sockets and one thread a connection."""

import json
import socket
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from upstream_cases import UpstreamCase, good


@dataclass(slots=True)
class HostileUpstream:
    """The server, and what it has seen."""

    cases: Mapping[str, UpstreamCase]
    """By name, which is also what is asked for; any other question is answered properly with its own text."""
    address: str = ""
    seen: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """What was asked, and the number of the connection."""
    ready: threading.Event = field(default_factory=threading.Event)
    """A case has been played to its end."""
    n_connections: int = 0

    def connection_of(self, text: str) -> int:
        """The connection on which something was asked, the last time."""
        return next(number for asked, number in reversed(self.seen) if asked == text)

    def serve(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.n_connections += 1
                threading.Thread(target=self._serve_one, args=(connection, self.n_connections), daemon=True).start()

    def _serve_one(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):
            while (question := _read_question(connection)) is not None:
                self.seen.append((question, number))
                case = self.cases.get(question)
                if case is None:
                    connection.sendall(good(question))
                    continue
                stays = self._play(case, connection)
                if not stays:
                    return

    def _play(self, case: UpstreamCase, connection: socket.socket) -> bool:
        try:
            for piece in case.pieces:
                if isinstance(piece, bytes):
                    connection.sendall(piece)
                else:
                    time.sleep(piece)
        finally:
            if not case.stays:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
            self.ready.set()
        return case.stays


def _read_question(connection: socket.socket) -> str | None:
    """The last message of the next request; None at the connection's end."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(lines[b"content-length"]):
        body += connection.recv(65536)
    return json.loads(body)["messages"][-1]["content"]


@contextmanager
def run_hostile(cases: Mapping[str, UpstreamCase]) -> Generator[HostileUpstream]:
    """Serve on loopback until the end."""
    upstream = HostileUpstream(cases)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        upstream.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=upstream.serve, args=(listener,), daemon=True)
        thread.start()
        yield upstream
        # An accept that waits is woken by a connection, not by a close.
        with suppress(OSError), socket.create_connection(listener.getsockname(), timeout=1):
            listener.close()
        thread.join(5)
