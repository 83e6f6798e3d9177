"""HTTP towards clients: each case gets what the list says, h11 agrees or the list says why, and nothing is smuggled."""

import json
from collections.abc import Generator
from dataclasses import dataclass

import pytest
from conversation import Conversation, converse
from h11_judge import Answer, End, read_requests
from http_case import (
    HELLO,
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    READ_TIMEOUT_S,
    Case,
    answered,
    case,
    refused,
    whole,
)
from http_cases import CASES

from suffice.testing import (
    LARGE_MODEL,
    SMALL_MODEL,
    Server,
    last_requests,
    post,
    reset,
    run_gateway,
    run_loopback,
    write_settings,
)

FORM = {"message", "type", "param", "code"}
LIMITS = {
    "max_body_bytes": MAX_BODY_BYTES,
    "max_header_bytes": MAX_HEADER_BYTES,
    "max_headers": MAX_HEADERS,
    "read_timeout_s": READ_TIMEOUT_S,
    "idle_timeout_s": 2 * READ_TIMEOUT_S,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A gateway of its own, so that what its upstreams saw is this module's alone."""

    gateway: Server
    upstreams: tuple[Server, Server]

    def reset(self) -> None:
        for upstream in self.upstreams:
            reset(upstream.address)

    def texts(self) -> list[str]:
        """What reached the upstreams, after one more request has: whatever else was under way has come by then."""
        hello = {"model": "small", "messages": [{"role": "user", "content": "!say last"}]}
        assert post(self.gateway.address, "/v1/chat/completions", hello).status == 200
        seen = [one for upstream in self.upstreams for one in last_requests(upstream.address)]
        return [
            json.loads(one["body"])["messages"][-1]["content"].partition("\n")[0].removeprefix("!say ") for one in seen
        ]


@pytest.fixture(scope="module")
def shared_scene(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    with run_loopback("--model", SMALL_MODEL) as small, run_loopback("--model", LARGE_MODEL) as large:
        folder = tmp_path_factory.mktemp("conformance")
        config = write_settings(folder, small=[small.address], large=[large.address], sections={"server": LIMITS})
        with run_gateway(config) as gateway:
            yield Scene(gateway, (small, large))


@pytest.fixture
def scene(shared_scene: Scene) -> Scene:
    """With upstreams that have seen nothing yet."""
    shared_scene.reset()
    return shared_scene


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_client_gets_what_the_list_says_and_nothing_is_smuggled(case: Case, scene: Scene) -> None:
    conversation = converse(scene.gateway.port, case)

    check_answers(case, conversation)
    assert scene.texts() in allowed_texts(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_h11_agrees_or_the_list_says_why(case: Case) -> None:
    reading = read_requests(case.raw, max_event_bytes=MAX_HEADER_BYTES)

    n_answered = len(case.expected.answers)
    is_more = n_answered > len(reading.requests)
    is_less = n_answered < len(reading.requests)
    is_blind = reading.end is End.REJECTED and not case.expected.closes
    assert (is_more or is_less or is_blind) == bool(case.differs), reading


def check_answers(case: Case, conversation: Conversation) -> None:
    expected = case.expected
    answers = conversation.answers
    statuses = [answer.status for answer in answers.whole]
    is_broken_off = expected.may_break_off and len(statuses) <= len(expected.answers)
    n = len(statuses) - 1 if is_broken_off else len(expected.answers)
    assert answers.rest == b""
    assert tuple(statuses[:n]) == expected.answers[:n]
    left = answers.whole[n:]
    if not expected.closes:
        assert [(answer.status, answer.body) for answer in left] == [(200, b'{"status":"ok"}')]
    elif left or (expected.refusal and not expected.may_be_silent):
        assert [answer.status in expected.refusal for answer in left] == [True]
        assert set(json.loads(left[0].body)["error"]) == FORM
        assert left[0].headers["connection"] == "close"
    assert answers.interim == [100] * expected.n_interim
    says = [said(answer) for answer in answers.whole if b'"choices"' in answer.body]
    assert says == list(case.texts) or (is_broken_off and says == list(case.texts)[: len(says)])


def allowed_texts(case: Case) -> list[list[str]]:
    """What may have reached the upstreams; of what was broken off, as much as its luck would have it."""
    n_texts = len(case.texts)
    lengths = range(n_texts + 1) if case.expected.may_break_off else [n_texts]
    return [[*case.texts[:n], "last"] for n in lengths]


def said(answer: Answer) -> str:
    return json.loads(answer.body)["choices"][0]["message"]["content"]


def test_there_are_at_least_sixty_cases_and_no_two_are_alike() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({(case.pieces, case.half_close) for case in CASES}) == len(CASES)


def test_a_request_cut_in_two_at_any_byte_is_the_same_request(scene: Scene) -> None:
    raw = whole()

    for at in range(1, len(raw)):
        cut = case(f"cut at {at}", (raw[:at], 0.001, raw[at:]), answered())
        check_answers(cut, converse(scene.gateway.port, cut))


def test_a_request_that_ends_at_any_byte_before_its_last_is_not_served(scene: Scene) -> None:
    raw = whole()

    for at in range(1, len(raw)):
        cut = case(f"ends at {at}", raw[:at], refused(400, 408, may_be_silent=True), half_close=True)
        check_answers(cut, converse(scene.gateway.port, cut))
    assert scene.texts() == ["last"]
    assert HELLO in raw
