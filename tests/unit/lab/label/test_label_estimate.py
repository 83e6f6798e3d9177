from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fake_models import make_target

from suffice.lab.dataset import Query
from suffice.lab.label import Asking, Forecast, Journal, Judge, Method, Work, forecast, list_measurements
from suffice.lab.label.estimate import N_MEASURED, estimate_prompt
from suffice.lab.label.journal import Answered, Compared
from suffice.vocabulary import Price

QUERIES = [Query(query_id=f"q{n}", prompt=f"Which river flows through town number {n}?") for n in range(100)]
PRICE = Price(input=1.0, output=10.0)


def make_work(**fields: Any) -> Work:
    known: dict[str, Any] = {
        "queries": QUERIES,
        "groups": {query.query_id: query.query_id for query in QUERIES},
        "targets": [make_target(lambda _: "", name=name, price=PRICE) for name in ("small", "large")],
        "titles": {"small": "s", "large": "l"},
        "asking": Asking(),
        "sample": "all",
        "method": Method.NONE,
        "uses_checks": False,
    }
    return Work(**{**known, **fields})


def answer_some(journal: Journal, n: int, *, tier: str = "small", n_tokens: int = 50) -> None:
    for query in QUERIES[:n]:
        journal.append(Answered(query_id=query.query_id, tier=tier, text="Danube", completion_tokens=n_tokens))


def rows_of(work: Work, journal: Journal) -> Mapping[str, Forecast]:
    return {row.name: row for row in forecast(work, journal)}


def test_without_a_limit_or_answers_nobody_knows_the_cost(tmp_path: Path) -> None:
    with Journal(tmp_path, {}) as journal:
        small = rows_of(make_work(), journal)["small"]

    assert (small.n_calls, small.answer_tokens, small.cost_usd) == (100, None, None)
    assert small.prompt_tokens == sum(map(estimate_prompt, QUERIES))


def test_a_limit_gives_the_most_it_can_cost(tmp_path: Path) -> None:
    with Journal(tmp_path, {}) as journal:
        small = rows_of(make_work(asking=Asking(max_tokens=200)), journal)["small"]

    assert small.cost_usd == pytest.approx((small.prompt_tokens * 1.0 + 100 * 200 * 10.0) / 1e6)
    assert "at most" in small.basis


def test_answers_so_far_tell_the_length_of_the_rest(tmp_path: Path) -> None:
    with Journal(tmp_path, {}) as journal:
        answer_some(journal, 40)
        rows = rows_of(make_work(asking=Asking(max_tokens=200)), journal)

    assert (rows["small"].n_calls, rows["small"].answer_tokens) == (60, 60 * 50)
    assert "mean length of 40 answers so far, give or take 0%" in rows["small"].basis
    assert (rows["large"].n_calls, rows["large"].answer_tokens) == (100, 100 * 200)


def test_a_price_that_nobody_knows_is_said_so(tmp_path: Path) -> None:
    targets = [make_target(lambda _: "", name=name, price=None) for name in ("small", "large")]
    with Journal(tmp_path, {}) as journal:
        small = rows_of(make_work(targets=targets, asking=Asking(max_tokens=5)), journal)["small"]

    assert small.cost_usd is None
    assert "price is not known" in small.basis


def test_a_judge_costs_two_calls_a_pair_for_what_no_check_scores(tmp_path: Path) -> None:
    judge = Judge(target=make_target(lambda _: "", name="boss", price=PRICE), key="k")
    work = make_work(judge=judge, method=Method.JUDGE, asking=Asking(max_tokens=30))
    with Journal(tmp_path, {}) as journal:
        first = rows_of(work, journal)["judge boss"]
        journal.append(Compared(query_id="q0", tier="small", judge="k", tier_first=True, better="tie"))
        journal.append(Compared(query_id="q1", tier="small", judge="another", tier_first=True, better="tie"))
        second = rows_of(work, journal)["judge boss"]

    assert (first.n_calls, second.n_calls) == (200, 199)
    assert first.answer_tokens == 200 * 8
    assert first.prompt_tokens > 200 * (2 * 30)
    assert first.cost_usd is not None


def test_a_few_questions_spread_over_all_measure_the_length(tmp_path: Path) -> None:
    with Journal(tmp_path, {}) as journal:
        answer_some(journal, 3)
        first = list_measurements(make_work(), journal)
        limited = list_measurements(make_work(asking=Asking(max_tokens=5)), journal)

    by_tier = {
        tier: [question.query.query_id for question in first if question.target.name == tier]
        for tier in ("small", "large")
    }
    assert len(by_tier["small"]) == N_MEASURED - 3
    assert by_tier["large"] == [f"q{n}" for n in range(0, 100, 10)]
    assert limited == []


def test_a_prompt_that_the_gateway_would_refuse_is_estimated_all_the_same() -> None:
    nested: Any = "x"
    for _ in range(400):
        nested = [nested]
    odd = Query(query_id="a", messages=({"role": "user", "content": "Which river?", "extra": nested},))

    assert estimate_prompt(odd) >= 2
