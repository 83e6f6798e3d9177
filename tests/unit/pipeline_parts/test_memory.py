import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from suffice.caching.config import CacheConfig
from suffice.caching.conversations import ConversationStore
from suffice.caching.decisions import DecisionCache
from suffice.pipeline.arrival import Arrival
from suffice.pipeline.memory import Memory, Recall
from suffice.pipeline.reading import make_reading
from suffice.policy.config import MemoryConfig
from suffice.testing.fakes import LARGE, SMALL
from suffice.wire.answer import Assembly, parse_answer
from suffice.wire.request import Endpoint, parse

Document = dict[str, Any]
OPENING: list[Document] = [{"role": "user", "content": "plan it"}]
ANSWER: Document = {"role": "assistant", "content": "first we"}
FOLLOW_UP: Document = {"role": "user", "content": "do it"}
CONTINUED = [*OPENING, ANSWER, FOLLOW_UP]


@dataclass
class Remembering:
    """A memory with a clock that is set by hand."""

    decides: bool = True
    now: float = 0.0
    memory: Memory = field(init=False)

    def __post_init__(self) -> None:
        clock = lambda: self.now  # noqa: E731 - reads the fake's own time
        config = CacheConfig(ttl_s=1e6, conversation_ttl_s=1e6)
        self.memory = Memory(
            conversations=ConversationStore(config, clock=clock),
            decisions=DecisionCache(config, clock=clock) if self.decides else None,
            config=MemoryConfig(repeats=2.0, half_life_s=100.0, turn_decay=0.8),
            clock=clock,
        )

    def recall(
        self,
        messages: list[Document],
        *,
        request_id: str = "r1",
        key_id: str | None = None,
        session: str | None = None,
        profile: str | None = None,
    ) -> Recall:
        request = parse(Endpoint.CHAT, json.dumps({"model": "auto", "messages": messages}).encode())
        arrival = Arrival(
            request=request, request_id=request_id, received_at=0.0, started_at=0.0, key_id=key_id, session=session
        )
        return self.memory.recall(arrival, make_reading(request, max_turns=12), profile=profile)

    def answer(self, recall: Recall, *, text: str = "first we", escalated: bool = False) -> None:
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()
        assembly, answer = Assembly(), parse_answer(body)
        assert answer is not None
        assembly.add(answer)
        self.memory.remember(recall, assembly, tier=LARGE if escalated else SMALL, escalated=escalated)


def test_an_opening_begins_a_conversation_under_its_own_request() -> None:
    recall = Remembering().recall(OPENING, request_id="r7")

    assert (recall.session, recall.last_tier, recall.escalation_floor) == ("r7", None, None)


def test_a_follow_up_goes_on_with_the_conversation_and_its_tier() -> None:
    remembering = Remembering()
    remembering.answer(remembering.recall(OPENING, request_id="r1"))

    recall = remembering.recall(CONTINUED, request_id="r2")

    assert (recall.session, recall.last_tier) == ("r1", SMALL)


def test_a_conversation_is_known_by_its_last_answers_too() -> None:
    remembering = Remembering()
    remembering.answer(remembering.recall(OPENING, request_id="r1"))
    remembering.answer(remembering.recall(CONTINUED, request_id="r2"), text="done")

    recall = remembering.recall([*CONTINUED, {"role": "assistant", "content": "done"}, FOLLOW_UP], request_id="r3")

    assert recall.session == "r1"


def test_two_users_with_the_same_opening_part_where_they_go_on_differently() -> None:
    remembering = Remembering()
    remembering.answer(remembering.recall(OPENING, request_id="r1"))

    mine = remembering.recall(CONTINUED, request_id="mine")
    other = remembering.recall([*OPENING, ANSWER, {"role": "user", "content": "stop"}], request_id="other")

    assert (mine.session, other.session) == ("r1", "other")
    assert other.last_tier == SMALL


@pytest.mark.parametrize("who", [{"key_id": "team b"}, {"profile": "support"}])
def test_another_key_or_profile_remembers_nothing_of_it(who: dict[str, str]) -> None:
    remembering = Remembering()
    remembering.answer(remembering.recall(OPENING))

    recall = remembering.recall(CONTINUED, request_id="r2", **who)

    assert (recall.session, recall.last_tier) == ("r2", None)


def test_an_explicit_session_is_one_conversation_whatever_its_messages_are() -> None:
    remembering = Remembering()
    remembering.answer(remembering.recall(OPENING, session="s"), escalated=True)

    recall = remembering.recall([{"role": "user", "content": "something else"}], session="s")

    assert (recall.session, recall.last_tier, recall.escalation_floor) == ("s", LARGE, LARGE)


def test_an_explicit_session_does_not_go_on_with_a_conversation_without_one() -> None:
    remembering = Remembering()
    remembering.answer(remembering.recall(OPENING))

    assert remembering.recall(CONTINUED, session="s").last_tier is None


def test_an_escalation_holds_for_three_follow_ups() -> None:
    remembering = Remembering()
    remembering.answer(remembering.recall(OPENING, session="s"), escalated=True)

    floors: list[str | None] = []
    for _ in range(4):
        recall = remembering.recall(OPENING, session="s")
        floors.append(recall.escalation_floor)
        remembering.answer(recall)

    assert floors == [LARGE, LARGE, LARGE, None]


def test_steps_of_a_tool_loop_do_not_age_an_escalation() -> None:
    remembering = Remembering()
    remembering.answer(remembering.recall(OPENING, session="s"), escalated=True)
    step = [*OPENING, {"role": "assistant", "content": "x"}, {"role": "tool", "tool_call_id": "c", "content": "y"}]

    for _ in range(10):
        remembering.answer(remembering.recall(step, session="s"))

    assert remembering.recall(step, session="s").escalation_weight == 1.0


def test_a_prompt_goes_straight_up_once_it_was_escalated_twice() -> None:
    remembering = Remembering()
    prompt = remembering.recall(OPENING).prefixes.whole

    floors: list[str | None] = []
    for _ in range(3):
        floors.append(remembering.memory.escalated_prompt(prompt))
        remembering.memory.remember_escalation(prompt, to=LARGE)

    assert floors == [None, None, LARGE]


@pytest.mark.parametrize(("elapsed_s", "floor"), [(41.0, LARGE), (42.0, None)])
def test_what_was_escalated_long_ago_is_tried_again(elapsed_s: float, floor: str | None) -> None:
    remembering = Remembering()
    for _ in range(2):
        remembering.memory.remember_escalation(b"prompt", to=LARGE)

    remembering.now = elapsed_s

    assert remembering.memory.escalated_prompt(b"prompt") == floor


def test_without_a_decision_cache_no_prompt_is_remembered() -> None:
    remembering = Remembering(decides=False)

    for _ in range(5):
        remembering.memory.remember_escalation(b"prompt", to=LARGE)

    assert remembering.memory.escalated_prompt(b"prompt") is None
