from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from suffice.errors import DatasetError
from suffice.lab.dataset import Dataset, Outcome, Query
from suffice.lab.train.examples import Examples, gather
from suffice.testing.datasets import draw_rows

N = 60
Rows = list[dict[str, Any]]
Change = Callable[[Rows, Rows], None]


def leave(_queries: Rows, _outcomes: Rows) -> None:
    pass


def make_dataset(change: Change = leave) -> Dataset:
    queries, outcomes = draw_rows(N)
    change(queries, outcomes)
    return Dataset.of([Query(**row) for row in queries], [Outcome(**row) for row in outcomes])


def gather_two(change: Change = leave, **options: Any) -> Examples:
    return gather(make_dataset(change), ("small", "large"), **options)


def add_model(name: str, score: Callable[[int], float | None], n: int = N) -> Change:
    def change(queries: Rows, outcomes: Rows) -> None:
        for index, row in enumerate(queries[:n]):
            outcomes.append({"query_id": row["query_id"], "model": name, "score": score(index)})

    return change


def test_examples_stand_in_the_order_of_the_queries() -> None:
    dataset = make_dataset()

    examples = gather(dataset, ("small", "large"))

    matrix = dataset.score_matrix()
    assert examples.texts == [query.prompt for query in dataset.queries]
    assert examples.models == ("small", "large")
    assert np.array_equal(examples.scores, matrix[:, [1, 0]])
    assert np.array_equal(examples.uplift, matrix[:, 0] - matrix[:, 1])
    assert len(set(examples.groups)) == examples.n == N
    assert examples.other_scores.shape == (N, 0)
    assert examples.left_out == {}


def test_a_failure_is_a_score_below_a_half() -> None:
    def grade(_: Rows, outcomes: Rows) -> None:
        outcomes[0]["score"], outcomes[1]["score"] = 0.49, 0.5

    assert gather_two(grade).ok[0].tolist() == [0.0, 1.0]


def test_rows_that_are_not_complete_are_left_out_and_counted() -> None:
    def drop_some(_: Rows, outcomes: Rows) -> None:
        outcomes[4]["score"] = None
        del outcomes[1]

    examples = gather_two(drop_some)

    assert examples.n == N - 2
    assert examples.left_out == {"large did not answer": 1, "an answer was not scored": 1}
    assert not np.isnan(examples.scores).any()


def test_what_the_gateway_would_refuse_is_left_out_and_counted() -> None:
    def nest(queries: Rows, _outcomes: Rows) -> None:
        deep: dict[str, Any] = {}
        for _level in range(70):
            deep = {"x": deep}
        messages = [{"role": "user", "content": "prove it"}, {"role": "user", "content": "so", "deep": deep}]
        queries[3] = {"query_id": "q3", "messages": messages}

    examples = gather_two(nest)

    assert examples.n == N - 1
    assert examples.left_out == {"the gateway would refuse it: the body nests deeper than 64 levels": 1}


def test_the_text_is_what_the_gateway_hands_to_its_scorer() -> None:
    def converse(queries: Rows, _: Rows) -> None:
        messages = [
            {"role": "system", "content": "Be brief. " * 900},
            {"role": "user", "content": "list the rivers"},
            {"role": "assistant", "content": "Rhine."},
            {"role": "user", "content": "prove it"},
        ]
        queries[0] = {"query_id": "q0", "messages": messages}

    assert gather_two(converse).texts[0] == "prove it"


def test_turns_of_one_conversation_are_of_one_group() -> None:
    first = [{"role": "user", "content": "list the rivers of the north"}, {"role": "assistant", "content": "Elbe."}]

    def go_on(queries: Rows, _: Rows) -> None:
        opening = [*first, {"role": "user", "content": "why?"}]
        long = "now prove that these primes and knots and planets are prices of clocks, of verbs and of graphs"
        answer = {"role": "assistant", "content": "Because."}
        queries[0] = {"query_id": "q0", "messages": opening}
        queries[1] = {"query_id": "q1", "messages": [*opening, answer, {"role": "user", "content": long}]}

    groups = gather_two(go_on).groups

    assert groups[0] == groups[1]
    assert len(set(groups)) == N - 1


def test_near_duplicates_are_of_one_group() -> None:
    def repeat(queries: Rows, _: Rows) -> None:
        queries[1]["prompt"] = queries[0]["prompt"].upper() + "!"

    groups = gather_two(repeat).groups

    assert groups[0] == groups[1]


def test_categories_that_tell_nothing_apart_are_none() -> None:
    def forget(queries: Rows, _: Rows) -> None:
        for row in queries:
            del row["category"]

    def name_one(queries: Rows, outcomes: Rows) -> None:
        forget(queries, outcomes)
        queries[0]["category"] = "lists"

    assert gather_two(forget).categories is None
    assert gather_two(name_one).categories == ["lists", *[""] * (N - 1)]


def test_other_models_are_taken_where_they_answered_enough() -> None:
    def add(queries: Rows, outcomes: Rows) -> None:
        add_model("half", lambda index: index % 2, n=N // 2)(queries, outcomes)
        add_model("seldom", lambda _: 1.0, n=N // 2 - 1)(queries, outcomes)
        add_model("unscored", lambda _: None)(queries, outcomes)

    others = gather_two(add).other_scores

    assert others.shape == (N, 1)
    assert others[: N // 2, 0].tolist() == [index % 2 for index in range(N // 2)]
    assert np.isnan(others[N // 2 :]).all()


def test_a_tier_in_between_must_have_answered_too() -> None:
    examples = gather(make_dataset(add_model("middle", lambda index: index % 2, n=40)), ("small", "middle", "large"))

    assert examples.models == ("small", "middle", "large")
    assert examples.scores.shape == (40, 3)
    assert examples.scores[:, 1].tolist() == [index % 2 for index in range(40)]
    assert np.array_equal(examples.uplift, examples.scores[:, 2] - examples.scores[:, 0])
    assert examples.left_out == {"a middle model has no scored answer": 20}


def test_what_a_middle_model_leaves_must_be_enough() -> None:
    dataset = make_dataset(add_model("middle", lambda _: 1.0, n=19))

    with pytest.raises(
        DatasetError,
        match=r"^19 queries .* 20 at least are needed \(left out: a middle model has no scored answer: 41\)",
    ):
        gather(dataset, ("small", "middle", "large"))


def test_what_a_middle_model_leaves_must_tell_something_apart() -> None:
    def answer_where_small_is_right(queries: Rows, outcomes: Rows) -> None:
        right = [row["query_id"] for row in outcomes if row["model"] == "small" and row["score"] == 1.0]
        outcomes.extend({"query_id": name, "model": "middle", "score": 1.0} for name in right)

    with pytest.raises(DatasetError, match=r"small fails .* on none of"):
        gather(make_dataset(answer_where_small_is_right), ("small", "middle", "large"))


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (("small", "small"), "a model is named twice: small, small"),
        (("small", "large", "large"), "a model is named twice: small, large, large"),
        (("smal", "large"), "no outcome of model 'smal'; did you mean 'small'?"),
        (("small", "big"), "no outcome of model 'big'; known are large, small"),
        (("small", "middle", "large"), "no outcome of model 'middle'; known are large, small"),
    ],
)
def test_models_that_cannot_be_used_are_named(models: Sequence[str], message: str) -> None:
    with pytest.raises(DatasetError, match=message.replace("?", r"\?")):
        gather(make_dataset(), models)


def test_some_examples_are_taken_in_the_order_asked_for() -> None:
    examples = gather_two(add_model("other", lambda index: index % 2))

    some = examples.take(np.array([5, 2]))

    assert some.texts == [examples.texts[5], examples.texts[2]]
    assert some.groups == [examples.groups[5], examples.groups[2]]
    assert examples.categories is not None
    assert some.categories == [examples.categories[5], examples.categories[2]]
    assert np.array_equal(some.scores, examples.scores[[5, 2]])
    assert some.other_scores.tolist() == [[1.0], [0.0]]


def test_progress_is_told_text_by_text() -> None:
    told: list[int] = []

    def track(steps: Sequence[int]) -> Sequence[int]:
        told.extend(steps)
        return steps

    gather_two(track=track)

    assert told == list(range(N))
