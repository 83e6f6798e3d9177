"""Plain HTTP over loopback, without a client library that mends what it sends or hides what it gets."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    whole: bool = True
    """The body ended as its head promised."""

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def call(
    address: str, method: str, path: str, body: bytes | None = None, *, headers: Mapping[str, str] | None = None
) -> RawAnswer:
    """Make one request on a connection of its own and read the whole answer."""
    split = urlsplit(address)
    connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=TIMEOUT_S)
    sent = {"content-type": "application/json", **(headers or {})} if body is not None else dict(headers or {})
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        whole = True
        try:
            content = answer.read()
        except http.client.IncompleteRead as error:
            content, whole = error.partial, False
        lowered = {name.lower(): value for name, value in answer.getheaders()}
        return RawAnswer(status=answer.status, headers=lowered, body=content, whole=whole)
    finally:
        connection.close()


def post(address: str, path: str, document: Any, *, headers: Mapping[str, str] | None = None) -> RawAnswer:
    """POST a JSON document, or bytes as they are."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return call(address, "POST", path, body, headers=headers)


def stats(address: str) -> dict[str, Any]:
    """The counts of a loopback upstream."""
    return call(address, "GET", "/_stats").document


def last_requests(address: str) -> list[dict[str, Any]]:
    """The last requests that a loopback upstream got, oldest first."""
    return call(address, "GET", "/_last").document


def reset(address: str) -> None:
    """Make a loopback upstream forget what it has counted."""
    call(address, "POST", "/_reset", b"")
