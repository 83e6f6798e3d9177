"""An upstream that writes to its socket whatever a script says, also what no HTTP server would."""

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from chaos_results import SAID

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Peer:
    """The gateway, as the upstream sees it: one connection, its request read."""

    connection: socket.socket
    streamed: bool

    def send(self, *parts: bytes) -> None:
        self.connection.sendall(b"".join(parts))

    def wait(self) -> None:
        """Say no more until the gateway hangs up."""
        while self.connection.recv(65536):
            pass

    def half_close(self) -> None:
        """End the sending side alone."""
        self.connection.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End with a reset, and lose what is on its way."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    @property
    def body(self) -> bytes:
        """The right answer, plain or as events."""
        return b"".join(EVENTS) if self.streamed else PLAIN

    def head(self, *lines: str, status: str = "200 OK") -> bytes:
        """A response's head."""
        kind = "text/event-stream" if self.streamed else "application/json"
        return "\r\n".join([f"HTTP/1.1 {status}", f"content-type: {kind}", *lines, "", ""]).encode()


Script = Callable[[Peer], None]


def chunk(part: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(part), part)


def serve_well(peer: Peer) -> None:
    """Answer as one should."""
    if peer.streamed:
        peer.send(peer.head("transfer-encoding: chunked"), *map(chunk, EVENTS), b"0\r\n\r\n")
    else:
        peer.send(peer.head(f"content-length: {len(PLAIN)}"), PLAIN)


class ScriptedUpstream:
    """A server on 127.0.0.1 whose script may be replaced; one request per connection."""

    def __init__(self) -> None:
        self.script: Script = serve_well
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        # The gateway may hang up at any moment: that is what some scripts are for.
        with suppress(OSError), connection:
            connection.settimeout(TIMEOUT_S)
            body = _read_request(connection)
            if body:
                self.script(Peer(connection, b'"stream":true' in body or b'"stream": true' in body))


def _read_request(connection: socket.socket) -> bytes:
    received = b""
    while (head := received.partition(b"\r\n\r\n"))[1] == b"":
        piece = connection.recv(65536)
        if not piece:
            return b""
        received += piece
    length = re.search(rb"content-length: *(\d+)", head[0], re.IGNORECASE)
    assert length is not None, head[0]
    body = head[2]
    while len(body) < int(length[1]):
        body += connection.recv(65536)
    return body


@contextmanager
def scripted_upstream() -> Generator[ScriptedUpstream]:
    """Serve until the end of the context."""
    upstream = ScriptedUpstream()
    try:
        yield upstream
    finally:
        upstream.close()


_HEAD = {"id": "chatcmpl-1", "created": 1, "model": "small-model"}
_USAGE = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}


def _event(delta: dict[str, str] | None, finish_reason: str | None = None) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    document = {**_HEAD, "object": "chat.completion.chunk", "choices": choices}
    return f"data: {json.dumps(document | ({'usage': _USAGE} if delta is None else {}))}\n\n".encode()


PLAIN = json.dumps(
    {
        **_HEAD,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}],
        "usage": _USAGE,
    }
).encode()
EVENTS = [
    _event({"role": "assistant", "content": ""}),
    *(_event({"content": piece}) for piece in re.findall(r"\s*\S+", SAID)),
    _event({}, "stop"),
    _event(None),
    b"data: [DONE]\n\n",
]
"""Of a stream that goes well: the role, the words, the finish reason, the usage, the end mark."""
