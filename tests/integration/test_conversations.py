"""Twelve scripted conversations over real sockets: the tier and the reason of every turn, as design.md §9 orders them.

The scorer is `length`, whose scores can be told from the text: EASY is 0.6, HARD 5.9, HARDER 7.2; the threshold is 4.
With a decay of 0.8 a turn, HARD keeps one follow-up on the large tier (4.8), and not the one after it (3.8).
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from suffice.testing import Server, post, read_events, run_gateway, write_settings

EASY = "What does the tent cost?"
HARD = "if x: " * 100
HARDER = "if x: " * 190
TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]

Turn = tuple[str, str]
"""Tier and reason."""


@pytest.fixture(params=["plain", "streamed"])
def streams(request: pytest.FixtureRequest) -> bool:
    return request.param == "streamed"


@pytest.fixture(scope="module")
def talk_gateway(
    small_upstream: Server, large_upstream: Server, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server]:
    folder = tmp_path_factory.mktemp("conversations")
    config = write_settings(folder, small=[small_upstream.address], large=[large_upstream.address])
    with run_gateway(config) as server:
        yield server


@dataclass
class Talk:
    """A client that keeps its transcript, as applications do."""

    gateway: Server
    streams: bool
    headers: dict[str, str] = field(default_factory=dict[str, str])
    tools: list[Any] | None = None
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def say(self, text: str, *, model: str = "auto", headers: dict[str, str] | None = None) -> Turn:
        self.messages.append({"role": "user", "content": text})
        return self.send(model=model, headers=headers)

    def report(self, result: str) -> Turn:
        call_id = self.messages[-1]["tool_calls"][0]["id"]
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": result})
        return self.send()

    def send(self, *, model: str = "auto", headers: dict[str, str] | None = None) -> Turn:
        request = {"model": model, "messages": self.messages, "stream": self.streams}
        if self.tools is not None:
            request["tools"] = self.tools
        answer = post(
            self.gateway.address, "/v1/chat/completions", request, headers={**self.headers, **(headers or {})}
        )
        assert answer.status == 200, answer.body
        self.messages.append(_assemble(answer.body) if self.streams else answer.document["choices"][0]["message"])
        return answer.headers["x-suffice-tier"], answer.headers["x-suffice-reason"]


@pytest.fixture
def unlucky_prompt(request: pytest.FixtureRequest) -> str:
    """A prompt that the small model answers with nothing; one per test, because escalated prompts are remembered."""
    return f"A question of {request.node.name}.\n!words 0 on small-model"


def test_easy_turns_stay_on_the_small_tier(talk_gateway: Server, *, streams: bool) -> None:
    talk = Talk(talk_gateway, streams)

    turns = [talk.say(EASY), talk.say("And the lamp?"), talk.say("Thanks!")]

    assert turns == [("small", "suffices")] * 3


def test_yes_do_it_goes_where_the_plan_came_from(talk_gateway: Server, *, streams: bool) -> None:
    talk = Talk(talk_gateway, streams)

    turns = [talk.say(HARD), talk.say("Yes, do it.")]

    assert turns == [("large", "hard"), ("large", "inherited")]


def test_a_changed_topic_comes_down_as_the_hard_turn_fades(talk_gateway: Server, *, streams: bool) -> None:
    talk = Talk(talk_gateway, streams)

    turns = [talk.say(HARD), talk.say(EASY), talk.say("And the lamp?"), talk.say("And the stove?")]

    assert turns == [("large", "hard"), ("large", "inherited"), ("small", "suffices"), ("small", "suffices")]


def test_the_hardest_turn_counts_and_not_the_last(talk_gateway: Server, *, streams: bool) -> None:
    talk = Talk(talk_gateway, streams)

    turns = [talk.say(HARDER), talk.say(HARD), talk.say("go on"), talk.say("go on")]

    assert turns == [("large", "hard"), ("large", "hard"), ("large", "inherited"), ("small", "suffices")]


def test_an_easy_conversation_goes_up_when_it_gets_hard(talk_gateway: Server, *, streams: bool) -> None:
    talk = Talk(talk_gateway, streams)

    turns = [talk.say(EASY), talk.say(HARD), talk.say("continue")]

    assert turns == [("small", "suffices"), ("large", "hard"), ("large", "inherited")]


def test_long_tool_results_do_not_make_an_easy_turn_hard(talk_gateway: Server, *, streams: bool) -> None:
    talk = Talk(talk_gateway, streams, tools=TOOLS)

    turns = [talk.say(f"{EASY}\n!call 1"), talk.report("result " * 2000), talk.report("result " * 2000)]

    assert turns == [("small", "suffices")] * 3


def test_a_tool_loop_never_goes_down_and_the_turn_after_it_does(talk_gateway: Server, *, streams: bool) -> None:
    talk = Talk(talk_gateway, streams, tools=TOOLS)

    turns = [
        talk.say(f"{EASY}\n!call 1", headers={"x-suffice-min-tier": "large"}),
        talk.report("41"),
        talk.report("42"),
        talk.say(EASY),
    ]

    assert turns == [("large", "min_tier"), ("large", "tool_loop"), ("large", "tool_loop"), ("small", "suffices")]


def test_two_users_with_the_same_opening_are_not_mixed_up(
    talk_gateway: Server, unlucky_prompt: str, *, streams: bool
) -> None:
    unlucky, lucky = Talk(talk_gateway, streams), Talk(talk_gateway, streams)

    openings = [unlucky.say("Hi"), lucky.say("Hi")]
    escalated = unlucky.say(unlucky_prompt)
    after = [lucky.say(EASY), unlucky.say(EASY), lucky.say("Thanks!")]

    assert openings == [("small", "suffices")] * 2
    assert escalated == ("large", "suffices")
    assert after == [("small", "suffices"), ("large", "escalated_before"), ("small", "suffices")]


def test_an_escalated_thread_stays_up_for_three_turns(
    talk_gateway: Server, unlucky_prompt: str, *, streams: bool
) -> None:
    talk = Talk(talk_gateway, streams)

    first = talk.say(unlucky_prompt)
    turns = [talk.say(f"And number {number}?") for number in range(1, 5)]

    assert first == ("large", "suffices")
    assert turns == [("large", "escalated_before")] * 3 + [("small", "suffices")]


def test_a_prompt_that_was_escalated_twice_goes_straight_up(
    talk_gateway: Server, unlucky_prompt: str, *, streams: bool
) -> None:
    turns = [Talk(talk_gateway, streams).say(unlucky_prompt) for _ in range(4)]

    assert turns == [("large", "suffices")] * 2 + [("large", "escalated_before")] * 2


def test_a_session_id_finds_the_thread_whose_history_was_cut(
    talk_gateway: Server, unlucky_prompt: str, *, streams: bool
) -> None:
    talk = Talk(talk_gateway, streams, headers={"x-suffice-session": f"thread-{streams}"})

    first = talk.say(unlucky_prompt)
    talk.messages.clear()
    known = talk.say(EASY)
    stranger = Talk(talk_gateway, streams).say(EASY)

    assert [first, known, stranger] == [("large", "suffices"), ("large", "escalated_before"), ("small", "suffices")]


def test_a_named_tier_bypasses_routing_and_leaves_the_rest_to_it(talk_gateway: Server, *, streams: bool) -> None:
    talk = Talk(talk_gateway, streams)

    turns = [
        talk.say(EASY, model="large"),
        talk.say(EASY, model="small-model"),
        talk.say(HARD, model="small"),
        talk.say("Yes, do it."),
        talk.say(EASY, model="auto@5.5"),
        talk.say(HARD, model="auto@7"),
    ]

    assert turns == [
        ("large", "explicit"),
        ("small", "explicit"),
        ("small", "explicit"),
        ("large", "inherited"),
        ("small", "suffices"),
        ("small", "suffices"),
    ]


def _assemble(body: bytes) -> dict[str, Any]:
    """The assistant's message, put together from a stream as a client does."""
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    calls: dict[Any, Any] = {}
    documents: list[Any] = [event for event in read_events(body) if isinstance(event, dict)]
    for document in documents:
        for choice in document["choices"]:
            delta = choice["delta"]
            message["content"] += delta.get("content") or ""
            pieces: list[Any] = delta.get("tool_calls") or []
            for piece in pieces:
                call = calls.setdefault(
                    piece["index"], {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
                )
                call["id"] += piece.get("id") or ""
                for name in ("name", "arguments"):
                    call["function"][name] += piece["function"].get(name) or ""
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    return message
