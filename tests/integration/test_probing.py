"""Asking servers for their models, where they answer otherwise than they should."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

import pytest

from suffice.cli.probing import MAX_LIST_BYTES, ListedModel, Probe, Target, probe_all


@contextmanager
def answering(raw: bytes) -> Generator[str]:
    """A server that sends `raw` to whoever connects, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_all() -> None:
            # Shutting the listener down ends `accept` with an error.
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(ConnectionError):
                        connection.recv(65_536)
                        connection.sendall(raw)

        thread = threading.Thread(target=answer_all)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def probe(url: str, *, timeout_s: float = 10.0) -> Probe:
    reported: list[Probe] = []
    (found,) = probe_all([Target(base_url=url)], timeout_s=timeout_s, report=reported.append)
    assert reported == [found]
    return found


def test_models_are_listed_with_their_contexts() -> None:
    cards = b'{"data":[{"id":"a","max_model_len":8192},{"id":"b","max_model_len":"x"},{"id":"c","max_model_len":true}]}'

    with answering(http("200 OK", cards)) as url:
        found = probe(url)

    assert found.problem is None
    assert list(found.models) == [
        ListedModel(name="a", context_tokens=8192),
        ListedModel(name="b"),
        ListedModel(name="c"),
    ]
    assert found.latency_s > 0


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (http("200 OK", b"<html>"), "answers no list of models: '<html>'"),
        (http("200 OK", b'{"data":[{"name":"a"}]}'), "answers no list of models"),
        (http("404 Not Found", b""), "answers 404 to GET /models; is its base URL complete?"),
        (http("307 Moved", b"", "location: http://127.0.0.1:1/"), "answers 307 to GET /models"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "speaks no HTTP"),
        (b"", "speaks no HTTP"),
    ],
)
def test_what_is_no_list_of_models_is_told(raw: bytes, problem: str) -> None:
    with answering(raw) as url:
        found = probe(url)

    assert found.problem is not None
    assert problem in found.problem
    assert list(found.models) == []


def test_an_endless_list_is_not_read_to_its_end() -> None:
    with answering(http("200 OK", b"[" * MAX_LIST_BYTES + b"[")) as url:
        found = probe(url)

    assert found.problem is not None
    assert "is over" in found.problem


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = probe(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", timeout_s=0.2)

    assert found.problem == "cannot be reached in time"


def test_an_unknown_host_is_told() -> None:
    found = probe("http://no-such-host.invalid/v1")

    assert found.problem is not None
    assert found.problem.startswith("cannot be reached")
