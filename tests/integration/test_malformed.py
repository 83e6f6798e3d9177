"""Malformed requests get a 4xx in OpenAI's error form or a closed connection, and never reach an upstream."""

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Generator
from dataclasses import dataclass

import pytest
from malformed_requests import MAX_BODY_BYTES, MAX_HEADER_BYTES, MAX_MESSAGES, Malformed, all_malformed

from suffice.testing import LARGE_MODEL, SMALL_MODEL, Server, post, run_gateway, run_loopback, stats, write_settings

DEADLINE_S = 5.0
CASES = all_malformed()
FORM = {"message", "type", "param", "code"}


@dataclass(frozen=True, slots=True)
class Fleet:
    """A gateway of its own, so that its upstreams' counts are this module's alone."""

    gateway: Server
    upstreams: tuple[Server, Server]

    @property
    def n_received(self) -> int:
        return sum(stats(upstream.address)["requests"] for upstream in self.upstreams)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the server did."""

    status: int | None
    """None: it closed the connection."""
    body: bytes = b""
    duration_s: float = 0.0


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Generator[Fleet]:
    limits = {
        "max_body_bytes": MAX_BODY_BYTES,
        "max_header_bytes": MAX_HEADER_BYTES,
        "max_messages": MAX_MESSAGES,
        "read_timeout_s": 1.0,
    }
    with run_loopback("--model", SMALL_MODEL) as small, run_loopback("--model", LARGE_MODEL) as large:
        config = write_settings(
            tmp_path_factory.mktemp("malformed"),
            small=[small.address],
            large=[large.address],
            sections={"server": limits, "passthrough": {"/v1/embeddings": {"base_url": f"{large.address}/v1"}}},
        )
        with run_gateway(config) as gateway:
            yield Fleet(gateway, (small, large))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_refused_in_time_and_reaches_no_upstream(case: Malformed, fleet: Fleet) -> None:
    received_before = fleet.n_received

    reaction = provoke(fleet.gateway, case)

    assert reaction.duration_s < DEADLINE_S
    if reaction.status is None:
        assert not case.must_answer, "closed without a word"
    else:
        assert 400 <= reaction.status < 500
        assert case.bodiless or set(json.loads(reaction.body)["error"]) == FORM
    normal = post(fleet.gateway.address, "/v1/chat/completions", {"model": "small", "messages": [_hello()]})
    assert normal.status == 200
    assert fleet.n_received == received_before + 1, "an upstream got something of it"


def test_there_are_at_least_two_hundred_and_no_two_are_alike() -> None:
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({(case.raw, case.waits) for case in CASES}) == len(CASES)


def _hello() -> dict[str, str]:
    return {"role": "user", "content": "a normal request"}


def provoke(server: Server, case: Malformed) -> Reaction:
    """Send the bytes of a bad request and read what comes back.

    Raises:
        TimeoutError: The server neither answers nor closes.
    """
    started_at = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S) as connection:
        # A server may refuse, and close, before it has read everything.
        with contextlib.suppress(OSError):
            connection.sendall(case.raw)
            if not (case.waits or case.must_answer):
                connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection, method="HEAD" if case.bodiless else "POST")
        try:
            response.begin()
            body = response.read()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            return Reaction(None, duration_s=time.monotonic() - started_at)
        finally:
            response.close()
    return Reaction(response.status, body, time.monotonic() - started_at)
