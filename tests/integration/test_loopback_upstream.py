"""The loopback upstream answers, and fails, as its users rely on; over real sockets."""

import contextlib
import hashlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Generator
from typing import Any

import pytest

from suffice.testing import (
    RawAnswer,
    Server,
    call,
    last_requests,
    post,
    read_events,
    reset,
    run_loopback,
    stats,
    wait_until,
)
from suffice.testing.loopback import Dialect

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def upstream() -> Generator[Server]:
    with run_loopback("--model", "m", "--context-tokens", "500") as server:
        yield server


def ask(server: Server, text: str, **fields: Any) -> RawAnswer:
    return post(server.address, CHAT, {"model": "m", "messages": [{"role": "user", "content": text}], **fields})


def text_of(events: list[Any]) -> str:
    deltas: list[Any] = [event["choices"][0]["delta"] for event in events if event != "[DONE]" and event]
    return "".join(delta.get("content") or "" for delta in deltas)


def _content(chunk: Any) -> str | None:
    return chunk["choices"][0]["delta"].get("content")


def test_the_same_request_has_the_same_answer_and_another_has_another(upstream: Server) -> None:
    first, second, other = ask(upstream, "Hello"), ask(upstream, "Hello"), ask(upstream, "Hello", seed=1)

    assert first.body == second.body
    assert first.document["choices"] != other.document["choices"]


def test_a_stream_says_what_the_plain_answer_says(upstream: Server) -> None:
    plain = ask(upstream, "Hello").document

    events = read_events(ask(upstream, "Hello", stream=True).body)

    assert events[-1] == "[DONE]"
    assert text_of(events) == plain["choices"][0]["message"]["content"]


def test_streamed_arguments_make_up_the_plain_ones(upstream: Server) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {"type": "string"}}}}}
    plain = ask(upstream, "Call", tools=[tool]).document["choices"][0]["message"]["tool_calls"]

    events = read_events(ask(upstream, "Call", tools=[tool], stream=True).body)

    pieces = [call for event in events[:-1] for call in event["choices"][0]["delta"].get("tool_calls", [])]
    assert len(pieces) > 2
    assert "".join(piece["function"]["arguments"] for piece in pieces) == plain[0]["function"]["arguments"]
    assert pieces[0]["id"] == plain[0]["id"]


@pytest.mark.parametrize(("dialect", "others"), [(Dialect.OPENAI, [None]), (Dialect.VLLM, ["absent"])])
def test_usage_comes_once_and_is_null_before_at_openai_alone(dialect: Dialect, others: list[Any]) -> None:
    with run_loopback("--model", "m", "--dialect", dialect) as server:
        answer = ask(server, "Hello", stream=True, stream_options={"include_usage": True})

    chunks = read_events(answer.body)[:-1]
    assert {chunk.get("usage", "absent") for chunk in chunks[:-1]} == set(others)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == sum(1 for chunk in chunks[:-1] if _content(chunk))


def test_limits_of_the_client_hold(upstream: Server) -> None:
    cut = ask(upstream, "Go on", max_tokens=2).document["choices"][0]
    stopped = ask(upstream, "!say one two three", stop=["two"]).document["choices"][0]

    assert (cut["finish_reason"], len(cut["message"]["content"].split())) == ("length", 2)
    assert (stopped["finish_reason"], stopped["message"]["content"]) == ("stop", "one ")


def test_each_value_is_echoed_by_the_hash_of_its_bytes() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"cache_salt": "a\\u0062" }'
    with run_loopback("--model", "m", "--echo") as server:
        answer = post(server.address, CHAT, body)

    assert answer.document["loopback"]["received"]["cache_salt"] == hashlib.sha256(b'"a\\u0062"').hexdigest()


@pytest.mark.parametrize(
    ("order", "status", "mark"),
    [
        ("!status 401", 401, b"ordered to answer 401"),
        ("!status 422", 422, b'"detail"'),
        ("!status 500", 500, b"Internal Server Error"),
        ("!status 503", 503, b"<html>"),
        ("!context 5", 400, b"maximum context length is 5 tokens"),
        ("word " * 600, 400, b"context_length_exceeded"),
    ],
)
def test_errors_have_the_form_of_real_servers(order: str, status: int, mark: bytes, upstream: Server) -> None:
    answer = ask(upstream, order)

    assert answer.status == status
    assert mark in answer.body


def test_a_busy_server_says_when_to_come_back(upstream: Server) -> None:
    answer = ask(upstream, "!status 429 7")

    assert (answer.status, answer.headers["retry-after"]) == (429, "7")


def test_an_order_for_the_first_request_spares_the_second(upstream: Server) -> None:
    reset(upstream.address)

    statuses = [ask(upstream, "!status 500 first 1").status for _ in range(2)]

    assert statuses == [500, 200]


def test_a_cut_stream_ends_without_its_mark_and_breaks_off(upstream: Server) -> None:
    answer = ask(upstream, "!cut 3", stream=True)

    assert not answer.whole
    assert len(read_events(answer.body)) == 3


def test_a_stream_may_end_properly_but_for_done(upstream: Server) -> None:
    answer = ask(upstream, "!nodone", stream=True)

    assert answer.whole
    assert read_events(answer.body)[-1]["choices"][0]["finish_reason"] == "stop"


def test_an_error_in_mid_stream_comes_as_an_event(upstream: Server) -> None:
    answer = ask(upstream, "!error 2", stream=True)

    assert b"event: error\n" in answer.body
    assert "error" in read_events(answer.body)[-1]


def test_a_drop_sends_nothing(upstream: Server) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        ask(upstream, "!drop")


@pytest.mark.parametrize(("order", "whole"), [("!cut 1", False), ("!length long", False), ("!length short", True)])
def test_a_plain_answer_may_have_another_length_than_it_claims(order: str, whole: bool, upstream: Server) -> None:  # noqa: FBT001 - a parameter of the test
    answer = ask(upstream, order)

    assert answer.whole is whole
    with pytest.raises(json.JSONDecodeError):
        _ = answer.document if order != "!length long" else json.loads(answer.body + b"?")


@pytest.mark.parametrize("order", ["!split 3", "!crlf", "!comments", "!merge", "!spaced"])
def test_the_shape_of_a_stream_does_not_change_what_it_says(order: str, upstream: Server) -> None:
    events = read_events(ask(upstream, f"Hi\n{order}\n!say a b c", stream=True).body)

    assert text_of(events) == "a b c"
    assert events[-1] == "[DONE]"


def test_a_key_is_asked_for_where_one_is_set() -> None:
    with run_loopback("--model", "m", "--api-key", "sk-1") as server:
        refused = post(server.address, CHAT, {})
        allowed = call(server.address, "GET", "/v1/models", headers={"authorization": "Bearer sk-1"})

    assert (refused.status, allowed.status) == (401, 200)
    assert allowed.document["data"][0]["max_model_len"] == 8192


def test_what_was_received_is_told(upstream: Server) -> None:
    reset(upstream.address)

    ask(upstream, "remember me")

    assert stats(upstream.address)["by_model"] == {"m": 1}
    assert "remember me" in last_requests(upstream.address)[-1]["body"]


def test_a_client_that_leaves_is_counted_and_its_stream_ends() -> None:
    with run_loopback("--model", "m") as server:
        body = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"!stall 1"}]}'
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
            client.sendall(b"POST %s HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (CHAT.encode(), len(body), body))
            wait_until(lambda: stats(server.address)["streams_open"] == 1)

        wait_until(lambda: stats(server.address)["connections_open"] == 0)

        after = stats(server.address)
    assert (after["streams_open"], after["cancelled"], after["finished"]) == (0, 1, 0)


def test_standing_orders_hold_for_every_request() -> None:
    with run_loopback("--model", "m", "--always", "!words 2;!finish length") as server:
        choice = ask(server, "Hello").document["choices"][0]

    assert choice["finish_reason"] == "length"
    assert len(choice["message"]["content"].split()) == 2


def test_a_server_may_be_slow_to_start_and_slow_to_go_on() -> None:
    with run_loopback("--model", "m", "--first-token-s", "0.1", "--tokens-per-s", "100") as server:
        started_at = time.monotonic()
        ask(server, "!words 10")
        plain_s = time.monotonic() - started_at
        ask(server, "!words 10", stream=True)
        streamed_s = time.monotonic() - started_at - plain_s

    assert plain_s >= 0.2
    assert streamed_s >= 0.2


def test_what_is_no_http_is_cut_off_and_counted() -> None:
    with run_loopback("--model", "m") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
            client.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(100) == b""

        assert stats(server.address)["malformed"] == 1


def test_requests_on_one_connection_are_answered_in_turn(upstream: Server) -> None:
    request = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", upstream.port), timeout=5) as client:
        client.sendall(request)
        received = b""
        while b'Not Found"}' not in received:
            received += client.recv(65536)

    assert received.startswith(b"HTTP/1.1 200 OK")
    assert received.index(b"max_model_len") < received.index(b"HTTP/1.1 404")


def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="unrecognized arguments: --nonsense"), run_loopback("--nonsense"):
        raise AssertionError("started")


def test_a_server_with_one_slot_answers_one_request_after_the_other() -> None:
    answers: list[str] = []

    with run_loopback("--model", "m", "--slots", "1") as server:
        slow = threading.Thread(target=lambda: answers.append(ask(server, "!sleep 0.3\n!say slow").body.decode()))
        slow.start()
        wait_until(lambda: stats(server.address)["active"] == 1)
        answers.append(ask(server, "!say quick").body.decode())
        slow.join()

    assert ["slow" in answer for answer in answers] == [True, False]
