"""TLS on both sides of a real gateway."""

import http.server
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from certificates import Certificates, make_certificates
from suffice.testing import LARGE_MODEL, SMALL_MODEL, Server, post, run_gateway, run_loopback, write_settings

BODY = json.dumps({"model": "small", "messages": [{"role": "user", "content": "!say hello"}]}).encode()
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n"
    b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def gateway(made: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """It speaks TLS."""
    files = {"tls_certificate": str(made.certificate), "tls_key": str(made.key)}
    with run_loopback("--model", SMALL_MODEL) as small, run_loopback("--model", LARGE_MODEL) as large:
        folder = tmp_path_factory.mktemp("gateway")
        sections = {"server": {**files, "read_timeout_s": 1.0}}
        config = write_settings(folder, small=[small.address], large=[large.address], sections=sections)
        with run_gateway(config) as server:
            yield server


def trusting(made: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(made.authority))


def exchange(server: Server, context: ssl.SSLContext, *pieces: bytes) -> bytes:
    """Send these over TLS and read until the server closes."""
    received = b""
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        for piece in pieces:
            connection.sendall(piece)
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_a_client_is_answered_over_tls(gateway: Server, made: Certificates) -> None:
    answer = exchange(gateway, trusting(made), REQUEST)

    assert gateway.address.startswith("https://127.0.0.1:")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"content":"hello"' in answer.replace(b" ", b"")


def test_requests_in_single_bytes_and_in_a_pipeline_are_answered_over_tls(gateway: Server, made: Certificates) -> None:
    first = REQUEST.replace(b"connection: close\r\n", b"")

    answer = exchange(gateway, trusting(made), *(bytes([byte]) for byte in first), REQUEST)

    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2


def test_what_is_no_http_is_refused_over_tls(gateway: Server, made: Certificates) -> None:
    answer = exchange(gateway, trusting(made), b"garbage\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_client_that_speaks_plain_http_gets_nothing(gateway: Server) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as plain:
        plain.sendall(REQUEST)

        assert b"HTTP/1.1 200" not in plain.recv(65536)


def test_tls_below_1_2_is_refused(gateway: Server, made: Certificates) -> None:
    context = trusting(made)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises((ssl.SSLError, ConnectionError)):
        exchange(gateway, context, REQUEST)


def test_only_http_1_1_is_offered(gateway: Server, made: Certificates) -> None:
    context = trusting(made)
    context.set_alpn_protocols(["h2", "http/1.1"])

    with (
        socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        assert connection.selected_alpn_protocol() == "http/1.1"


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers every chat, and lists one model."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": "over TLS"}
        self._send({"model": SMALL_MODEL, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    def do_GET(self) -> None:
        self._send({"data": [{"id": SMALL_MODEL}]})

    def _send(self, document: Any) -> None:
        text = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature of the library
        pass


@contextmanager
def run_upstream(made: Certificates) -> Generator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(5)


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a request, and of `suffice check`."""

    status: int
    text: str
    checked: str


def ask_over_tls(made: Certificates, folder: Path, upstream: dict[str, Any], *, name: str = "127.0.0.1") -> Asked:
    with run_upstream(made) as found:
        address = found.replace("127.0.0.1", name)
        sections = {"upstream": {"retries": 0, **upstream}, "escalation": {"enabled": False}}
        config = write_settings(folder, small=[address], large=[address], sections=sections)
        command = [sys.executable, "-m", "suffice", "check", str(config)]
        checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
        with run_gateway(config) as gateway:
            body = {"model": "small", "messages": [{"role": "user", "content": "hello"}]}
            answer = post(gateway.address, "/v1/chat/completions", body)
    return Asked(answer.status, answer.body.decode(), " ".join(checked.split()))


def test_an_upstream_with_a_certificate_of_the_named_authority_is_asked(made: Certificates, tmp_path: Path) -> None:
    asked = ask_over_tls(made, tmp_path, {"ca_file": str(made.authority)})

    assert asked.status == 200
    assert "over TLS" in asked.text
    assert "do not answer" not in asked.checked


def test_an_upstream_whose_authority_is_unknown_is_not_asked(made: Certificates, tmp_path: Path) -> None:
    asked = ask_over_tls(made, tmp_path, {})

    assert asked.status == 502
    assert "over TLS" not in asked.text
    assert "2 of 2 servers do not answer as they should" in asked.checked


def test_an_upstream_with_the_certificate_of_another_name_is_not_asked(made: Certificates, tmp_path: Path) -> None:
    asked = ask_over_tls(made, tmp_path, {"ca_file": str(made.authority)}, name="127.0.0.2")

    assert asked.status == 502
