from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suffice.errors import DatasetError
from suffice.estimators.bundle import TrainingSource
from suffice.lab.dataset import Dataset, Outcome, Query
from suffice.lab.examination import warn_of_training
from suffice.lab.trial import Trial, prepare
from suffice.testing.bundles import write_bundle
from suffice.testing.datasets import draw_rows

Rows = list[dict[str, Any]]
Change = Callable[[Rows, Rows], None]


def leave(_queries: Rows, _outcomes: Rows) -> None:
    pass


def keep_five(_: Rows, outcomes: Rows) -> None:
    del outcomes[10:]


def succeed(_: Rows, outcomes: Rows) -> None:
    for row in outcomes:
        row["score"] = 1.0


def fail(_: Rows, outcomes: Rows) -> None:
    for row in outcomes:
        row["score"] = 0.0


def make_dataset(n: int = 60, *, change: Change = leave) -> Dataset:
    queries, outcomes = draw_rows(n)
    change(queries, outcomes)
    return Dataset.of([Query(**row) for row in queries], [Outcome(**row) for row in outcomes])


def make_trial(**options: Any) -> Trial:
    return prepare(make_dataset(), "small", "large", **options)


def test_a_trial_holds_what_both_models_answered() -> None:
    def drop_some(_: Rows, outcomes: Rows) -> None:
        del outcomes[1]
        outcomes[2]["score"] = None

    trial = prepare(make_dataset(change=drop_some), "small", "large")

    assert len(trial.queries) == len(trial.requests) == len(trial.answers) == trial.outcomes.scores.small.size == 58
    assert trial.left_out == {"large did not answer": 1, "an answer was not scored": 1}
    assert all(small.model == "small" and large.model == "large" for small, large in trial.answers)
    assert [small.query_id for small, _ in trial.answers] == [query.query_id for query in trial.queries]


def test_one_category_alone() -> None:
    trial = make_trial(category="proofs")

    assert {query.category for query in trial.queries} == {"proofs"}
    assert trial.left_out == {"of another category": 60 - len(trial.queries)}
    assert trial.outcomes.categories is None


def test_an_unknown_category_lists_the_known_ones() -> None:
    with pytest.raises(DatasetError, match="category 'prufs'; known are lists, proofs"):
        make_trial(category="prufs")


def test_turns_of_a_conversation_are_resampled_together() -> None:
    def continue_first(queries: Rows, _: Rows) -> None:
        opening = {"role": "user", "content": queries[0]["prompt"]}
        answer = {"role": "assistant", "content": "So be it."}
        follow_up = {"role": "user", "content": "and now something completely different, please"}
        queries[1] = {**queries[1], "prompt": None, "messages": (opening, answer, follow_up)}

    trial = prepare(make_dataset(change=continue_first), "small", "large")

    assert trial.outcomes.groups[0] == trial.outcomes.groups[1]
    assert len(set(trial.outcomes.groups)) == 59


def test_what_the_gateway_would_refuse_is_left_out_with_the_reason() -> None:
    def break_one(queries: Rows, _: Rows) -> None:
        nested: list[Any] = []
        for _level in range(100):
            nested = [nested]
        messages = ({"role": "user", "content": [{"type": "text", "text": "list"}, {"type": "table", "of": nested}]},)
        queries[0] = {**queries[0], "prompt": None, "messages": messages}

    trial = prepare(make_dataset(change=break_one), "small", "large")

    assert len(trial.queries) == 59
    assert trial.left_out == {"the gateway would refuse it: the body nests deeper than 64 levels": 1}


def test_data_that_trained_the_bundle_are_known_again(tmp_path: Path) -> None:
    trial = make_trial()
    source = TrainingSource(name="own", sha256=trial.dataset_hash, n_queries=60, licence="own")
    other = TrainingSource(name="public", sha256="0" * 64, n_queries=9, licence="MIT")
    bundle = write_bundle(tmp_path / "bundle", {"prove": 1.0}, sources=(other, source))

    (warning,) = warn_of_training(bundle, trial.dataset_hash)

    assert "trained on these very data (own, 60 queries)" in warning


def test_every_step_is_told() -> None:
    steps: list[str] = []

    make_trial(note=steps.append)

    assert steps == ["reading requests", "finding near-duplicates"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (keep_five, "5 queries have scored answers"),
        (succeed, "small fails .* on none of 60"),
        (fail, "small fails .* on every one of 60"),
    ],
)
def test_outcomes_that_tell_nothing_are_refused(change: Change, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        prepare(make_dataset(change=change), "small", "large")


def test_scores_are_in_the_order_of_the_queries() -> None:
    dataset = make_dataset()
    trial = prepare(dataset, "large", "small")

    matrix = dataset.score_matrix()
    assert np.array_equal(trial.outcomes.scores.small, matrix[:, dataset.models.index("large")])
    assert np.array_equal(trial.outcomes.scores.large, matrix[:, dataset.models.index("small")])
