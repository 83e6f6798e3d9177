"""What the lab measures is what the gateway compares with its threshold."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gateway_calls import Gateway

from suffice.lab.dataset import Query, read_features
from suffice.lab.rating import Rater, rate_all
from suffice.scoring.learned import Learned
from suffice.testing.bundles import write_bundle
from suffice.testing.fakes import make_router
from suffice.vocabulary import TierName

WORDS = {"prove": 2.0, "design": 1.5, "yes": -1.0, "list": -2.0, "thanks": -3.0}
PLAN = "Design a rota for nine nurses and prove that it is fair."


def said(*texts: str) -> list[dict[str, Any]]:
    """Messages of a conversation: the user begins, and both take turns."""
    return [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(texts)]


CONVERSATIONS: dict[str, list[dict[str, Any]]] = {
    "easy": said("list three rivers"),
    "hard": said(PLAN),
    "neither": said("what about the kayak?"),
    "follow-up": said(PLAN, "Shall I go on?", "yes, do it"),
    "long ago": said(PLAN, "Done.", "list two", "Here.", "list three", "Here.", "list four", "Here.", "thanks"),
    "older than is looked back at": said(PLAN, *["Done.", "thanks"] * 15),
    "system prompt": [{"role": "system", "content": "Prove all. " * 500}, *said("list three rivers")],
    "retrieved passage": said("<context>prove design prove</context>\n\nlist three rivers"),
    "parts": [{"role": "user", "content": [{"type": "text", "text": "prove"}, {"type": "text", "text": "it"}]}],
    "two messages in a row": [*said("list these"), *said("and prove them")],
    "tool step": [
        *said("list the tides"),
        {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "look", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "prove design"},
    ],
    "odd characters": said("préuve 🚀 証明 \x00"),
    "nothing to read": said(" "),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize(("turn_decay", "max_turns"), [(0.8, 12), (0.5, 3)])
def test_the_lab_rates_a_conversation_exactly_as_the_gateway_does(
    name: str, turn_decay: float, max_turns: int, tmp_path: Path
) -> None:
    messages = CONVERSATIONS[name]
    bundle = write_bundle(tmp_path / "bundle", WORDS)
    tiers = {model: TierName(model) for model in ("small", "large")}
    router = make_router()
    routing = replace(router.routing, turn_decay=turn_decay, max_turns=max_turns)
    gateway = Gateway(router=replace(router, scorer=Learned(bundle, tiers), routing=routing))

    outlet = gateway.ask("POST", "/v1/route", {"model": "auto", "messages": messages})
    features = read_features(Query(query_id="q", messages=tuple(messages)), max_turns=max_turns)
    ratings = rate_all(bundle, [features], turn_decay=turn_decay)
    rating = Rater(Learned(bundle, tiers), turn_decay).rate(features)

    assert outlet.status == 200, outlet.body
    assert ratings.complexity.tolist() == [outlet.document["complexity"]]
    assert rating.own_complexity == outlet.document["own_complexity"]
    assert dict(zip(ratings.models, ratings.p_ok[0].tolist(), strict=True)) == outlet.document["p_ok"]


def test_the_conversations_are_not_all_of_one_complexity(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", WORDS)
    requests = [read_features(Query(query_id="q", messages=tuple(one))) for one in CONVERSATIONS.values()]

    complexities = rate_all(bundle, requests).complexity

    assert len(set(complexities.round(6).tolist())) >= 6
