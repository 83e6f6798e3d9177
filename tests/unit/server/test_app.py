import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from bundles_in_force import bundled_router
from gateway_calls import ANSWER, FakeOutlet, Gateway

from suffice.errors import UpstreamBrokenError, UpstreamBusyError, UpstreamError
from suffice.server.auth import hash_key
from suffice.server.config import AuthConfig, KeyConfig, ServerConfig
from suffice.server.http import Request, Responder
from suffice.server.limits import Turnstile
from suffice.server.upload import Upload
from suffice.testing import read_events
from suffice.testing.fakes import FakeUpstream, Scripted, chunk, make_router
from suffice.vocabulary import Mode, Priority, Score, Turn

KEYS = AuthConfig(
    keys=(
        KeyConfig(name="team", hash=hash_key("sk-team")),
        KeyConfig(name="root", hash=hash_key("sk-root"), admin=True),
    )
)
BEARER = {"authorization": "Bearer sk-team"}
ADMIN = {"authorization": "Bearer sk-root"}
EVENTS = [chunk({"role": "assistant", "content": "42"}), chunk({}, finish_reason="stop"), b"data: [DONE]\n\n"]


@dataclass(frozen=True)
class FaultyScorer:
    version: str = "faulty"

    def score(self, turn: Turn) -> Score:
        raise RuntimeError("a secret of the code")


async def fail_at_second(index: int) -> None:
    if index == 1:
        raise RuntimeError("a secret of the code")


def code_of(outlet: FakeOutlet) -> str:
    return outlet.document["error"]["code"]


def test_an_answer_comes_back_with_the_decision_beside_it() -> None:
    outlet = Gateway().chat()

    assert (outlet.status, outlet.body) == (200, ANSWER.body)
    assert outlet.headers["x-suffice-request-id"] == "r1"
    assert (outlet.headers["x-suffice-tier"], outlet.headers["x-suffice-reason"]) == ("small", "suffices")


def test_what_the_headers_say_reaches_routing_and_the_upstream() -> None:
    gateway = Gateway(auth=KEYS)
    headers = {
        **BEARER,
        "x-suffice-min-tier": "large",
        "x-suffice-session": "s",
        "x-suffice-cache": "no-store",
        "x-suffice-debug": "1",
        "traceparent": "00-1",
        "x-secret": "mine",
    }

    outlet = gateway.chat(headers=headers)

    outcome = gateway.collector.only
    assert (outlet.headers["x-suffice-tier"], outlet.headers["x-suffice-cache"]) == ("large", "off")
    assert outlet.headers["x-suffice-session"] == "s"
    assert (outcome.key_id, outcome.session) == ("team", "s")
    assert gateway.large.calls[0].headers == {
        "content-type": "application/json",
        "x-request-id": "r1",
        "traceparent": "00-1",
    }


def test_what_moved_a_score_is_told_to_those_who_ask() -> None:
    gateway = Gateway(router=bundled_router("a"))

    asked, plain = gateway.chat(headers={"x-suffice-debug": "1"}), gateway.chat()

    assert asked.headers["x-suffice-explanation"] == "hello=0.25,a%3Db%2C c%0D%0Ad=-0.125"
    assert asked.headers["x-suffice-bundle"] == "a"
    assert "x-suffice-explanation" not in plain.headers
    assert [outcome.bundle_id for outcome in gateway.collector.outcomes] == ["a", "a"]


def test_a_stream_comes_back_as_events() -> None:
    gateway = Gateway(small=FakeUpstream([Scripted(events=EVENTS)]))

    outlet = gateway.chat(stream=True)

    assert (outlet.status, outlet.headers["content-type"]) == (200, "text/event-stream")
    assert outlet.body == b"".join(EVENTS)


def test_a_stream_that_breaks_ends_in_an_error_event_without_the_end_mark() -> None:
    broken = Scripted(events=EVENTS[:1], breaks=UpstreamBrokenError("the small model is gone"))

    outlet = Gateway(small=FakeUpstream([broken])).chat(stream=True)

    events = read_events(outlet.body)
    assert outlet.status == 200
    assert events[-1]["error"]["message"] == "the small model is gone"
    assert b"[DONE]" not in outlet.body


def test_a_completion_is_answered_at_its_own_path() -> None:
    gateway = Gateway()

    outlet = gateway.ask("POST", "/v1/completions", {"model": "auto", "prompt": "6 x 7"})

    assert outlet.status == 200
    assert gateway.small.calls[0].path == "/completions"


def test_a_dry_run_decides_and_calls_nothing() -> None:
    gateway = Gateway()

    outlet = gateway.ask("POST", "/v1/route", {"model": "auto", "messages": [{"role": "user", "content": "hello"}]})

    assert (outlet.status, outlet.document["tier"], outlet.document["scorer"]) == (200, "small", "fixed")
    assert (gateway.small.calls, gateway.large.calls) == ([], [])


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"content-type": "text/plain"}, 415, "unsupported_media_type"),
        ({"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        ({"content-encoding": "gzip"}, 415, "unsupported_media_type"),
        ({"x-suffice-debug": "maybe"}, 400, "invalid_request"),
        ({"x-suffice-cache": "sometimes"}, 400, "invalid_request"),
        ({"x-suffice-min-tier": "huge"}, 400, "invalid_request"),
    ],
)
def test_headers_that_are_not_understood_are_refused_before_anything_is_called(
    headers: Mapping[str, str], status: int, code: str
) -> None:
    gateway = Gateway()

    outlet = gateway.chat(headers=headers)

    assert (outlet.status, code_of(outlet)) == (status, code)
    assert gateway.small.calls == []
    assert gateway.refusals == [code]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "application/vnd.api+json", "APPLICATION/JSON"]
)
def test_json_is_known_by_any_of_its_names(content_type: str) -> None:
    assert Gateway().chat(headers={"content-type": content_type}).status == 200


def test_a_path_that_is_not_served_is_not_found() -> None:
    outlet = Gateway().ask("GET", "/v2/chat")

    assert (outlet.status, code_of(outlet)) == (404, "unknown_path")


def test_a_wrong_method_is_told_the_right_ones() -> None:
    outlet = Gateway().ask("GET", "/v1/chat/completions")

    assert (outlet.status, code_of(outlet)) == (405, "method_not_allowed")
    assert outlet.headers["allow"] == "POST"


def test_a_body_that_is_too_large_closes_the_connection() -> None:
    gateway = Gateway(config=ServerConfig(max_body_bytes=1_024))

    outlet = gateway.chat("x" * 2_000)

    assert (outlet.status, code_of(outlet)) == (413, "request_too_large")
    assert outlet.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (UpstreamError("down"), 502, None),
        (UpstreamBusyError("busy", retry_after_s=0.2), 429, "1"),
        (UpstreamBusyError("busy", retry_after_s=6.7), 429, "7"),
    ],
)
def test_an_upstreams_failure_is_told_in_openais_form(
    error: UpstreamError, status: int, retry_after: str | None
) -> None:
    gateway = Gateway(large=FakeUpstream([Scripted(breaks=error)]))

    outlet = gateway.chat(model="large")

    assert (outlet.status, code_of(outlet)) == (status, error.code)
    assert outlet.headers.get("retry-after") == retry_after


def test_the_priority_goes_along_to_the_upstream_call() -> None:
    gateway = Gateway()

    gateway.chat(headers={"x-suffice-priority": "high"})
    gateway.chat()

    assert [call.priority for call in gateway.small.calls] == [Priority.HIGH, Priority.NORMAL]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings", "/v1/route"])
def test_a_priority_that_is_not_known_is_named(path: str) -> None:
    document = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}

    wire = Gateway().ask("POST", path, document, headers={"x-suffice-priority": "urgent"})

    assert (wire.status, wire.document["error"]["param"]) == (400, "x-suffice-priority")


def test_a_full_gateway_says_when_to_come_back() -> None:
    outlet = Gateway(turnstile=Turnstile(limit=0)).chat()

    assert (outlet.status, code_of(outlet), outlet.headers["retry-after"]) == (429, "too_many_requests", "1")


def test_a_fault_of_our_own_is_logged_and_told_by_its_id_alone(caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway(router=replace(make_router(), scorer=FaultyScorer()))

    outlet = gateway.chat()

    assert (outlet.status, code_of(outlet)) == (500, "internal_error")
    assert "request r1" in outlet.document["error"]["message"]
    assert b"secret" not in outlet.body
    assert "a secret of the code" in caplog.text
    assert gateway.refusals == ["internal_error"]
    assert gateway.turnstile.n_inside == 0


def test_a_fault_of_our_own_in_a_stream_ends_it_with_an_error_event(caplog: pytest.LogCaptureFixture) -> None:
    faulty = Scripted(events=EVENTS, before_event=fail_at_second)

    outlet = Gateway(small=FakeUpstream([faulty])).chat(stream=True)

    assert read_events(outlet.body)[-1]["error"]["code"] == "internal_error"
    assert b"[DONE]" not in outlet.body
    assert "a secret of the code" in caplog.text


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/health", {}, 200),
        ("/ready", {}, 200),
        ("/metrics", {}, 200),
        ("/v1/models", {}, 401),
        ("/v1/models", BEARER, 200),
        ("/admin/mode", {}, 401),
        ("/admin/mode", BEARER, 401),
        ("/admin/mode", ADMIN, 200),
    ],
)
def test_who_may_see_what(path: str, headers: Mapping[str, str], status: int) -> None:
    assert Gateway(auth=KEYS).ask("GET", path, headers=headers).status == status


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (BEARER, 401), (ADMIN, 200)])
def test_metrics_may_be_kept_for_admins(headers: Mapping[str, str], status: int) -> None:
    gateway = Gateway(auth=AuthConfig(keys=KEYS.keys, open_metrics=False))

    assert gateway.ask("GET", "/metrics", headers=headers).status == status


def test_metrics_come_with_their_own_content_type() -> None:
    outlet = Gateway().ask("GET", "/metrics")

    assert (outlet.body, outlet.headers["content-type"]) == (b"suffice_up 1\n", "text/plain")


def test_a_closing_gateway_is_healthy_but_not_ready() -> None:
    gateway = Gateway()
    gateway.turnstile.is_closing = True

    assert gateway.ask("GET", "/health").status == 200
    assert gateway.ask("GET", "/ready").status == 503
    assert (gateway.chat().status, gateway.refusals) == (503, ["shutting_down"])


def test_the_mode_is_read_and_set() -> None:
    gateway = Gateway(router=make_router(mode=Mode.OBSERVE))

    told = [gateway.ask("GET", "/admin/mode"), gateway.ask("PUT", "/admin/mode", {"mode": "route"})]

    assert [outlet.document["mode"] for outlet in told] == ["observe", "route"]


def test_a_passed_path_is_passed_as_it_came_and_recorded() -> None:
    gateway = Gateway(auth=KEYS)
    body = b'{"model": "m",  "input": "x"}'

    outlet = gateway.ask("POST", "/v1/embeddings", body, headers={**BEARER, "content-type": "application/json"})

    outcome = gateway.collector.only
    assert (outlet.status, outlet.body) == (200, ANSWER.body)
    assert gateway.passed.calls[0].body == body
    assert (outcome.endpoint, outcome.key_id, outcome.status, outcome.model_asked) == (
        "/v1/embeddings",
        "team",
        200,
        "small-model",
    )
    assert outcome.attempts[0].usage is not None
    assert outcome.attempts[0].usage.prompt_tokens == 10


def test_a_passed_answer_that_is_none_of_openais_is_passed_all_the_same() -> None:
    gateway = Gateway(passed=FakeUpstream([Scripted(body=b"plain", status=418)]))

    outlet = gateway.ask("POST", "/v1/embeddings", {"input": "x"})

    assert (outlet.status, outlet.body) == (418, b"plain")
    assert gateway.collector.only.attempts[0].usage is None


def test_a_passed_path_whose_server_is_down_is_recorded_as_failed() -> None:
    gateway = Gateway(passed=FakeUpstream([Scripted(breaks=UpstreamError("down"))]))

    outlet = gateway.ask("POST", "/v1/embeddings", {"input": "x"})

    outcome = gateway.collector.only
    assert (outlet.status, outcome.status, outcome.error) == (502, 502, "upstream_failed")
    assert outcome.attempts[0].error == "upstream_failed"


def test_a_passed_request_that_found_no_place_blames_no_server() -> None:
    gateway = Gateway(turnstile=Turnstile(limit=0))

    gateway.ask("POST", "/v1/embeddings", {"input": "x"})

    outcome = gateway.collector.only
    assert (outcome.error, outcome.attempts[0].error) == ("too_many_requests", None)


def test_a_client_that_leaves_ends_its_call_and_is_answered_nothing() -> None:
    waiting = asyncio.Event()
    events = Scripted(events=EVENTS, before_event=lambda _: waiting.wait())
    gateway = Gateway(small=FakeUpstream([events]))
    document = {"model": "auto", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    outlet = FakeOutlet()
    request = Request("POST", "/v1/chat/completions", b"", {}, Upload(json.dumps(document).encode()))

    async def run() -> None:
        task = asyncio.create_task(gateway.app.serve(request, Responder(outlet)))
        while not gateway.small.n_open:  # noqa: ASYNC110 - a fake tells nobody
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())

    assert outlet.status is None
    assert gateway.small.n_open == 0
    assert gateway.collector.only.cancelled
    assert gateway.refusals == []
    assert gateway.turnstile.n_inside == 0


def test_a_client_that_is_slow_to_take_a_stream_is_waited_for() -> None:
    gateway = Gateway(small=FakeUpstream([Scripted(events=EVENTS)]))
    document = {"model": "auto", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    outlet = FakeOutlet(is_full=True)
    request = Request("POST", "/v1/chat/completions", b"", {}, Upload(json.dumps(document).encode()))

    asyncio.run(gateway.app.serve(request, Responder(outlet)))

    assert outlet.body == b"".join(EVENTS)
    assert outlet.n_drains == len(EVENTS)
