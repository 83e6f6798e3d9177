import json
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from json_documents import objects, texts
from msgspec.structs import replace

from suffice.caching.conversations import Prefixes, digest_messages, owner_key, session_key
from suffice.caching.decisions import turn_digest
from suffice.caching.decisions import turn_key as key_of_digest
from suffice.features import read
from suffice.vocabulary import Turn
from suffice.wire.request import Endpoint, GenerationRequest, Message, ToolCall, parse

Document = dict[str, Any]
counts = st.integers(min_value=0, max_value=10_000)
turns = st.builds(Turn, text=st.text(max_size=20), n_tokens=counts, n_constant_tokens=counts)
versions = st.sampled_from(["length-1", "length-2", "exemplars-1"])
roles = st.sampled_from(["system", "user", "assistant", "tool"])
messages = st.lists(st.fixed_dictionaries({"role": roles, "content": texts}), min_size=1, max_size=6)
owners = st.text(st.characters(codec="utf-8"), max_size=8)
seeds = st.integers(min_value=0, max_value=2**32)
DEFAULTS: Document = {"stream": False, "n": 1, "temperature": 1.0, "tools": None, "response_format": {"type": "text"}}


def request(document: Document) -> GenerationRequest:
    return parse(Endpoint.CHAT, json.dumps(document).encode())


def digest(said: Sequence[Message], *, owner: str) -> Prefixes:
    return digest_messages(said).owned_by(owner_key(owner))


def turn_key(version: str, turn: Turn) -> bytes:
    return key_of_digest(version, turn_digest(turn))


def turn_keys(document: Document) -> list[bytes]:
    return [turn_key("v", turn) for turn in read(request(document)).turns]


def spoken(items: Sequence[Document]) -> tuple[Message, ...]:
    return request({"model": "auto", "messages": items}).messages


@given(said=messages, defaults=st.sets(st.sampled_from(sorted(DEFAULTS))), seed=seeds)
def test_the_order_of_fields_and_stated_defaults_change_no_key(
    said: list[Document], defaults: set[str], seed: int
) -> None:
    plain: Document = {"model": "auto", "messages": said}
    members = [*plain.items(), *((name, DEFAULTS[name]) for name in defaults)]
    random.Random(seed).shuffle(members)
    stated = dict(members)

    assert turn_keys(stated) == turn_keys(plain)
    assert digest(request(stated).messages, owner="o") == digest(spoken(said), owner="o")


@given(said=messages, seed=seeds)
def test_the_order_of_a_messages_own_fields_changes_no_key(said: list[Document], seed: int) -> None:
    source = random.Random(seed)
    shuffled = [dict(source.sample(list(message.items()), len(message))) for message in said]

    assert digest(spoken(shuffled), owner="o") == digest(spoken(said), owner="o")


@given(a=turns, b=turns, one=versions, other=versions)
def test_two_keys_are_equal_only_for_equal_turns_and_scorers(a: Turn, b: Turn, one: str, other: str) -> None:
    assert (turn_key(one, a) == turn_key(other, b)) == ((one, a) == (other, b))


@given(turn=turns, more=st.text(min_size=1, max_size=3))
def test_whatever_a_scorer_may_look_at_is_in_the_key(turn: Turn, more: str) -> None:
    changed = [
        replace(turn, text=turn.text + more),
        replace(turn, n_tokens=turn.n_tokens + 1),
        replace(turn, n_constant_tokens=turn.n_constant_tokens + 1),
    ]

    assert turn_key("v", turn) not in {turn_key("v", other) for other in changed}


@given(said=messages, answer=texts, then=messages, owner=owners)
def test_going_on_after_the_remembered_answer_is_found(
    said: list[Document], answer: str, then: list[Document], owner: str
) -> None:
    remembered = digest(spoken(said), owner=owner).with_answer(answer, ())

    found = digest(spoken([*said, {"role": "assistant", "content": answer}, *then]), owner=owner)

    assert remembered in found.answered


@given(said=messages, padding=st.sampled_from(["", " ", "\n\n", "\t \r\n"]), answer=texts, pick=seeds)
def test_stripped_white_space_is_found(said: list[Document], padding: str, answer: str, pick: int) -> None:
    remembered = digest(spoken(said), owner="o").with_answer(padding + answer + padding, ())
    at = pick % len(said)
    stripped = [*said]
    stripped[at] = {**said[at], "content": said[at]["content"].strip()}

    found = digest(spoken([*stripped, {"role": "assistant", "content": answer.strip()}]), owner="o")

    assert found.answered[0] == remembered


@given(said=messages, arguments=objects, seed=seeds)
def test_re_encoded_tool_arguments_are_found(said: list[Document], arguments: Document, seed: int) -> None:
    shuffled = dict(random.Random(seed).sample(list(arguments.items()), len(arguments)))
    sent = {"id": "c", "function": {"name": "f", "arguments": json.dumps(arguments)}}
    echoed = {"id": "c", "function": {"name": "f", "arguments": json.dumps(shuffled, indent=1, ensure_ascii=False)}}
    call = spoken([{"role": "assistant", "tool_calls": [sent]}])[0].tool_calls or list[ToolCall]()

    remembered = digest(spoken(said), owner="o").with_answer("", call)

    found = digest(spoken([*said, {"role": "assistant", "content": None, "tool_calls": [echoed]}]), owner="o")
    assert found.answered[0] == remembered


@given(said=messages, answer=texts, at=seeds, changed=st.fixed_dictionaries({"role": roles, "content": texts}))
def test_any_changed_message_is_not_found(said: list[Document], answer: str, at: int, changed: Document) -> None:
    original = [*said, {"role": "assistant", "content": answer}]
    remembered = digest(spoken(said), owner="o").with_answer(answer, ())
    at %= len(original)
    assume((changed["role"], changed["content"].strip()) != (original[at]["role"], original[at]["content"].strip()))

    found = digest(spoken([*original[:at], changed, *original[at + 1 :]]), owner="o")

    assert remembered not in found.answered


@given(said=messages, answer=texts, at=seeds)
def test_a_message_left_out_is_not_found(said: list[Document], answer: str, at: int) -> None:
    remembered = digest(spoken(said), owner="o").with_answer(answer, ())
    at %= len(said)
    rest = [*said[:at], *said[at + 1 :], {"role": "assistant", "content": answer}]

    assert remembered not in digest(spoken(rest), owner="o").answered


@given(said=messages, one=owners, other=owners, session=owners)
def test_owners_share_nothing(said: list[Document], one: str, other: str, session: str) -> None:
    assume(one != other)

    assert digest(spoken(said), owner=one) != digest(spoken(said), owner=other)
    assert session_key(session, owner=one) != session_key(session, owner=other)
