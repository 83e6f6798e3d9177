import asyncio
from pathlib import Path
from typing import Any

import pytest
from fake_models import FakeModel, Reply, make_target, say

from suffice.errors import LabelError, UpstreamError
from suffice.lab.dataset import Query
from suffice.lab.label import Asking, Journal, Target
from suffice.lab.label.running import MAX_FAILURES_IN_A_ROW, answer_all, list_questions

QUERIES = [Query(query_id=f"q{n}", prompt=f"Question {n}?") for n in range(50)]


def answer(targets: list[Target], folder: Path, *, concurrency: int = 4) -> Any:
    steps: list[None] = []
    with Journal(folder, {}) as journal:
        questions = list_questions(QUERIES, targets, journal)
        failures = asyncio.run(
            answer_all(questions, journal, Asking(), concurrency=concurrency, on_done=lambda: steps.append(None))
        )
    return questions, failures, len(steps)


def fail_on(*numbers: int) -> Any:
    def speak(request: dict[str, Any]) -> Reply:
        text = request["messages"][0]["content"]
        return UpstreamError("down") if text in {f"Question {n}?" for n in numbers} else f"to {text}"

    return speak


def test_what_failed_is_asked_again_and_nothing_else(tmp_path: Path) -> None:
    small, large = make_target(fail_on(3, 4)), make_target(fail_on(), name="large")

    questions, failures, n_steps = answer([small, large], tmp_path)
    again, no_failures, _ = answer([make_target(fail_on()), large], tmp_path)

    assert len(questions) == n_steps == 100
    assert failures == {("q3", "small"): "upstream_failed: down", ("q4", "small"): "upstream_failed: down"}
    assert [(question.query.query_id, question.target.name) for question in again] == [("q3", "small"), ("q4", "small")]
    assert no_failures == {}


def test_no_more_calls_at_once_than_allowed(tmp_path: Path) -> None:
    model = FakeModel(lambda _: say("hi"))

    answer([make_target(lambda _: "", upstream=model)], tmp_path, concurrency=3)

    assert model.most_at_once <= 3
    assert len(model.asked) == 50


def test_a_tier_that_is_down_is_left_alone_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    model = FakeModel(fail_on(*range(10, 50)))

    with pytest.raises(LabelError, match="tier small failed 20 calls in a row, the last with: upstream_failed: down"):
        answer([make_target(lambda _: "", upstream=model)], tmp_path, concurrency=1)

    assert len(model.asked) == 10 + MAX_FAILURES_IN_A_ROW
    with Journal(tmp_path, {}) as journal:
        assert len(journal.answers) == 10
