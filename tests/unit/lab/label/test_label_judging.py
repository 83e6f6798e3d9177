import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_models import FakeModel, make_target

from suffice.lab.dataset import Query
from suffice.lab.label import Journal, Judge
from suffice.lab.label.journal import Answered, Compared
from suffice.lab.label.judging import Better, compare_all, list_comparisons, read_verdict
from suffice.lab.label.scoring import score_by_judge
from suffice.lab.label.verdicts import measure_self, score_pair

QUERIES = [Query(query_id=f"q{n}", prompt=f"Question {n}?") for n in range(4)]
TIERS = ["small", "large"]
GROUPS = {query.query_id: query.query_id for query in QUERIES}


@pytest.mark.parametrize(
    ("reply", "better"),
    [
        ("VERDICT: A", "first"),
        (" verdict:  b\n", "second"),
        ("**VERDICT: TIE**", "tie"),
        ("VERDICT: TIE.", "tie"),
        ("<think>B? VERDICT: B\nNo.</think>\n\nVERDICT: A", "first"),
        ("VERDICT: A <think>or B?</think>", None),
        ("<think>hm", None),
        ("A", None),
        ("VERDICT: C", None),
        ("VERDICT: A or B", None),
        ("I think so.\nVERDICT: A", None),
        ("VERDICT: A\nVERDICT: B", None),
        ("", None),
    ],
)
def test_a_verdict_is_one_of_three_lines_and_nothing_else(reply: str, better: str | None) -> None:
    assert read_verdict(reply) == better


@pytest.mark.parametrize(
    ("tier_first", "top_first", "score"),
    [
        ("first", "second", 1.0),  # better both times
        ("tie", "tie", 1.0),
        ("first", "tie", 1.0),
        ("second", "first", 0.0),  # worse both times
        ("first", "first", 0.5),  # whatever stands first
        ("second", "second", 0.5),
        ("tie", "first", 0.5),
        ("second", "tie", 0.5),
    ],
)
def test_a_score_is_what_both_orders_say_and_a_half_where_they_contradict(
    tier_first: Better, top_first: Better, score: float
) -> None:
    def verdict(better: Better, *, first: bool) -> Compared:
        return Compared(query_id="q", tier="small", judge="j", tier_first=first, better=better)

    assert score_pair(verdict(tier_first, first=True), verdict(top_first, first=False)) == score


def judge_all(
    speak: Callable[[dict[str, Any]], Any], folder: Path, *, answers: dict[str, str] | None = None
) -> tuple[FakeModel, Judge, Journal, Any]:
    """Small says `bad` to q0 and q1; to q2 and q3, what large says."""
    model = FakeModel(speak)
    judge = Judge(target=make_target(speak, name="judge", upstream=model), key="the judge")
    with Journal(folder, {}) as journal:
        for query in QUERIES:
            own = (answers or {"q0": "bad", "q1": "bad"}).get(query.query_id, "good")
            journal.append(Answered(query_id=query.query_id, tier="small", text=own))
            journal.append(Answered(query_id=query.query_id, tier="large", text="good"))
        comparisons = list_comparisons(QUERIES, TIERS, journal, judge)
        failures = asyncio.run(compare_all(comparisons, journal, judge, concurrency=2, on_done=lambda: None))
    return model, judge, journal, failures


def shown(request: dict[str, Any]) -> str:
    return request["messages"][1]["content"]


def prefer_good(request: dict[str, Any]) -> str:
    return "VERDICT: A" if "<answer_a>\ngood" in shown(request) else "VERDICT: B"


def test_a_fair_judge_is_asked_in_both_orders_without_names_and_not_about_equal_answers(tmp_path: Path) -> None:
    model, judge, journal, failures = judge_all(prefer_good, tmp_path)

    labels = score_by_judge(QUERIES, TIERS, journal, judge)
    agreement = measure_self(judge, journal, GROUPS)

    assert failures == {}
    assert len(model.asked) == 4  # two pairs that differ, twice
    assert not any(name in shown(request) for request in model.asked for name in ("small", "large", "-model"))
    assert {place: label.score for place, label in labels.items() if place[1] == "small"} == {
        ("q0", "small"): 0.0,
        ("q1", "small"): 0.0,
        ("q2", "small"): 1.0,
        ("q3", "small"): 1.0,
    }
    assert {label.source for label in labels.values()} == {"judge judge-model"}
    assert {label.score for place, label in labels.items() if place[1] == "large"} == {1.0}
    assert agreement is not None
    assert (agreement.agreement.estimate, agreement.agreement.n, agreement.first_share) == (1.0, 2, 0.5)
    assert not agreement.is_low


def test_a_judge_that_takes_what_stands_first_does_not_agree_with_itself(tmp_path: Path) -> None:
    _, judge, journal, _ = judge_all(lambda _: "VERDICT: A", tmp_path)

    labels = score_by_judge(QUERIES, TIERS, journal, judge)
    agreement = measure_self(judge, journal, GROUPS)

    assert labels["q0", "small"].score == 0.5
    assert agreement is not None
    assert agreement.is_low
    assert (agreement.agreement.estimate, agreement.first_share) == (0.0, 1.0)


def test_a_reply_that_is_no_verdict_is_asked_again_once(tmp_path: Path) -> None:
    def speak(request: dict[str, Any]) -> str:
        return "Well, A is nice" if len(request["messages"]) == 2 else "VERDICT: TIE"

    model, judge, journal, failures = judge_all(speak, tmp_path)

    assert failures == {}
    assert len(model.asked) == 8
    assert [message["role"] for message in model.asked[-1]["messages"]] == ["system", "user", "assistant", "user"]
    assert measure_self(judge, journal, GROUPS) is not None
    # Both replies are paid for: 2 x (6 x 1 + 4 x .5 + 5 x 2) millionths each.
    assert journal.spent_usd == pytest.approx(4 * 2 * 18e-6)


def test_twice_no_verdict_is_a_failure_that_is_paid_for_and_not_scored(tmp_path: Path) -> None:
    _, judge, journal, failures = judge_all(lambda _: "Both are nice.", tmp_path)

    labels = score_by_judge(QUERIES, TIERS, journal, judge)

    assert set(failures) == {("q0", "small"), ("q1", "small")}
    assert "twice a reply that is no verdict" in failures["q0", "small"]
    assert ("q0", "small") not in labels
    assert ("q0", "large") not in labels
    assert measure_self(judge, journal, GROUPS) is None
    assert journal.spent_usd == pytest.approx(4 * 2 * 18e-6)
    with Journal(tmp_path, {}) as again:
        assert len(list_comparisons(QUERIES, TIERS, again, judge)) == 4


def test_a_judge_of_itself_is_marked_in_every_label() -> None:
    target = make_target(lambda _: "", name="large")

    assert Judge(target=target, key="k", judges_itself=True).source == "judge large-model, JUDGING ITSELF"


def test_a_conversation_is_shown_with_its_roles(tmp_path: Path) -> None:
    messages = (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hm"}]},
    )
    query = Query(query_id="q", messages=messages)
    with Journal(tmp_path, {}) as journal:
        journal.append(Answered(query_id="q", tier="small", text="one"))
        journal.append(Answered(query_id="q", tier="large", text="two"))
        judge = Judge(target=make_target(lambda _: "", name="judge"), key="k")

        first, second = list_comparisons([query], TIERS, journal, judge)

    assert "[system]\nBe brief.\n\n[user]\nHm" in str(first.messages[1]["content"])
    assert "<answer_a>\none\n</answer_a>\n<answer_b>\ntwo" in str(first.messages[1]["content"])
    assert "<answer_a>\ntwo\n</answer_a>\n<answer_b>\none" in str(second.messages[1]["content"])
