"""Clients over bare sockets, which may do what no proper client would."""

import http.client
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chaos_results import SAID, Form, Seen
from chaos_scene import Scene

CHAT = "/v1/chat/completions"
TIMEOUT_S = 15.0


def order(*lines: str, says: str = f"!say {SAID}") -> str:
    """A message that nobody has sent before, with orders to the upstreams and the words they are to answer."""
    return "\n".join([f"request {uuid.uuid4()}", *lines, says])


def request_bytes(text: str, form: Form, *, model: str = "auto@10", **fields: Any) -> bytes:
    """A chat request, by default to `auto`, which is made to begin with `small`."""
    document = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
    body = json.dumps({**document, "stream": form is Form.STREAMED}).encode()
    head = [f"POST {CHAT} HTTP/1.1", "host: gateway", "content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


def connect(scene: Scene, *, receive_buffer: int | None = None) -> socket.socket:
    """Open a connection to the gateway."""
    opened = socket.socket()
    if receive_buffer is not None:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    opened.settimeout(TIMEOUT_S)
    opened.connect(("127.0.0.1", scene.gateway.port))
    return opened


def read(connection: socket.socket) -> Seen:
    """Read one response, as far as it comes."""
    response = http.client.HTTPResponse(connection, method="POST")
    try:
        response.begin()
    except (http.client.BadStatusLine, ConnectionError):
        return Seen()
    whole = True
    try:
        body = response.read()
    except http.client.IncompleteRead as error:
        body, whole = error.partial, False
    except ConnectionError:
        body, whole = b"", False
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Seen(status=response.status, headers=headers, body=body, whole=whole)


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    """Read until `mark` has come; the end of the connection before that is an error."""
    received = b""
    while mark not in received:
        chunk = connection.recv(65536)
        if not chunk:
            raise EOFError(received)
        received += chunk
    return received


def exchange(scene: Scene, request: bytes, *, begun: threading.Event | None = None) -> Seen:
    """Send a request on a connection of its own and read the whole answer.

    Args:
        scene: With the gateway.
        request: As bytes.
        begun: Set when the first byte of the answer has come.
    """
    started_at = time.monotonic()
    with connect(scene) as connection:
        connection.sendall(request)
        if begun is not None:
            connection.recv(1, socket.MSG_PEEK)
            begun.set()
        seen = read(connection)
    return replace(seen, took_s=time.monotonic() - started_at)


def ask(*lines: str, model: str | None = None, **fields: Any) -> Callable[[Scene, Form], Seen]:
    """A case whose fault is ordered by the request's own message."""

    def act(scene: Scene, form: Form) -> Seen:
        return exchange(scene, request_bytes(order(*lines), form, model=model or scene.model, **fields))

    return act


class Asking(threading.Thread):
    """A request under way, while something happens to its upstream or to the gateway."""

    def __init__(self, scene: Scene, form: Form, *orders: str) -> None:
        super().__init__(daemon=True)
        self.begun = threading.Event()
        request = request_bytes(order(*orders), form, model=scene.model)
        self._exchange = lambda: exchange(scene, request, begun=self.begun)
        self._seen: Seen | None = None
        self.start()

    def run(self) -> None:
        self._seen = self._exchange()

    def finished(self) -> Seen:
        """The whole answer."""
        self.join(TIMEOUT_S)
        assert self._seen is not None, "no answer came"
        return self._seen


def begin_stream(scene: Scene, *orders: str) -> Asking:
    """A stream whose first event has come, one event every 50 ms."""
    asking = Asking(scene, Form.STREAMED, *orders, "!slow 0.05")
    assert asking.begun.wait(TIMEOUT_S), "no stream came"
    return asking
