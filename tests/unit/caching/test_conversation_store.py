import json
from collections.abc import Sequence
from typing import Any

import pytest

from suffice.caching.config import CacheConfig
from suffice.caching.conversations import (
    Conversation,
    ConversationStore,
    Prefixes,
    digest_messages,
    owner_key,
    session_key,
)
from suffice.vocabulary import TierName
from suffice.wire.request import Endpoint, FunctionCall, Message, ToolCall, parse

Document = dict[str, Any]
SMALL = TierName("small")
USER = {"role": "user", "content": "plan it"}
ANSWER = {"role": "assistant", "content": "first we"}
FOLLOW_UP = {"role": "user", "content": "do it"}
SEEN: Document = {
    "role": "user",
    "content": [{"type": "text", "text": "plan it"}, {"type": "image_url", "image_url": {}}],
}
STATE = Conversation(session="s", tier=SMALL)


def read(messages: Sequence[Document]) -> tuple[Message, ...]:
    return parse(Endpoint.CHAT, json.dumps({"model": "auto", "messages": messages}).encode()).messages


def digest(*messages: Document, owner: str = "team") -> Prefixes:
    return digest_messages(read(messages)).owned_by(owner_key(owner))


def calling(arguments: str, *, call_id: str = "c1", name: str = "look_up") -> list[ToolCall]:
    return [ToolCall(id=call_id, function=FunctionCall(name=name, arguments=arguments))]


def echoed(calls: Sequence[ToolCall], *, content: str | None = None) -> Document:
    """An assistant message as a client sends it back."""
    made = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in calls
        if call.function is not None
    ]
    return {"role": "assistant", "content": content, "tool_calls": made}


def test_a_request_that_goes_on_begins_with_the_remembered_answer() -> None:
    remembered = digest(USER).with_answer("first we", ())

    assert digest(USER, ANSWER, FOLLOW_UP).answered == (remembered,)


def test_every_answer_of_a_conversation_makes_a_prefix_the_longest_first() -> None:
    first = digest(USER).with_answer("first we", ())
    second = digest(USER, ANSWER, FOLLOW_UP).with_answer("done", ())

    found = digest(USER, ANSWER, FOLLOW_UP, {"role": "assistant", "content": "done"}, USER)

    assert found.answered == (second, first)


def test_an_opening_has_no_answered_prefix() -> None:
    assert digest(USER, FOLLOW_UP).answered == ()


@pytest.mark.parametrize(
    "changed",
    [
        [{"role": "user", "content": "plan that"}, ANSWER],
        [{"role": "system", "content": "plan it"}, ANSWER],
        [USER, {"role": "assistant", "content": "First we"}],
        [USER, {"role": "assistant", "content": "first  we"}],
        [{"role": "system", "content": "be brief"}, USER, ANSWER],
        [USER, USER, ANSWER],
        [USER, ANSWER | {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}],
        [SEEN, ANSWER],
    ],
)
def test_any_changed_message_makes_it_another_conversation(changed: list[Document]) -> None:
    remembered = digest(USER).with_answer("first we", ())

    assert remembered not in digest(*changed, FOLLOW_UP).answered


def test_another_owner_is_another_conversation() -> None:
    remembered = digest(USER, owner="team a").with_answer("first we", ())

    assert remembered not in digest(USER, ANSWER, owner="team b").answered


@pytest.mark.parametrize("content", ["first we", " first we\n", [{"type": "text", "text": "first we"}]])
def test_white_space_around_an_answer_and_its_form_do_not_count(content: Any) -> None:
    remembered = digest(USER).with_answer("\nfirst we ", ())

    assert digest(USER, {"role": "assistant", "content": content}).answered == (remembered,)


@pytest.mark.parametrize("arguments", ['{"a":1,"b":[2]}', '{ "b": [2], "a": 1 }', '{"b":[2],"\\u0061":1}'])
def test_tool_arguments_written_anew_are_the_same_call(arguments: str) -> None:
    remembered = digest(USER).with_answer("", calling('{"a": 1, "b": [2]}'))

    assert digest(USER, echoed(calling(arguments))).answered == (remembered,)


@pytest.mark.parametrize(
    "calls",
    [
        calling('{"a": 2}'),
        calling('{"a": 1}', call_id="c2"),
        calling('{"a": 1}', name="look_down"),
        calling('{"a": 1}') * 2,
        calling("not json"),
    ],
)
def test_another_call_is_another_conversation(calls: list[ToolCall]) -> None:
    remembered = digest(USER).with_answer("", calling('{"a": 1}'))

    assert remembered not in digest(USER, echoed(calls)).answered


@pytest.mark.parametrize("arguments", ["not json", "", "[" * 100_000])
def test_arguments_that_are_no_json_count_as_they_stand(arguments: str) -> None:
    remembered = digest(USER).with_answer("", calling(arguments))

    assert digest(USER, echoed(calling(arguments))).answered == (remembered,)


def test_images_count_as_they_stand() -> None:
    image: Document = {"type": "image_url", "image_url": {"url": "data:a"}}
    other: Document = {"type": "image_url", "image_url": {"url": "data:b"}}
    text = {"type": "text", "text": "see"}

    one, same, another = (digest({"role": "user", "content": [text, part]}) for part in (image, dict(image), other))

    assert one == same
    assert one.whole != another.whole


def test_sessions_of_different_owners_are_kept_apart() -> None:
    keys = {session_key(session, owner=owner) for session in ("a", "b") for owner in ("x", "y")}

    assert len(keys) == 4


def test_the_longest_known_prefix_is_the_conversation() -> None:
    store = ConversationStore(CacheConfig(), clock=lambda: 0.0)
    newer = Conversation(session="newer", tier=SMALL)
    store.put(b"short", STATE)
    store.put(b"long", newer)

    assert store.find([b"unknown", b"long", b"short"]) == newer
    assert store.find([b"unknown"]) is None
    assert len(store) == 2


def test_a_prefix_is_continued_in_one_way_and_the_others_are_told_no() -> None:
    store = ConversationStore(CacheConfig(), clock=lambda: 0.0)

    claims = [store.claim(b"hi", continuation) for continuation in (b"one", b"two", b"one")]

    assert claims == [True, False, True]


def test_no_more_conversations_are_held_than_configured() -> None:
    store = ConversationStore(CacheConfig(max_conversations=2), clock=lambda: 0.0)

    for key in (b"a", b"b", b"c"):
        store.put(key, STATE)

    assert store.find([b"a"]) is None
    assert len(store) == 2
