from pathlib import Path

import pytest

from suffice.errors import DatasetError
from suffice.lab.dataset import Query
from suffice.lab.label.humans import read_human_labels
from suffice.lab.label.rates import measure_rates
from suffice.lab.label.scoring import Label

TIERS = ["small", "large"]
N = 40
QUERIES = [Query(query_id=f"q{n}", prompt=f"Question {n}?") for n in range(N)]
GROUPS = {query.query_id: query.query_id for query in QUERIES}


def labels(tier: str, source: str, scores: list[float]) -> dict[tuple[str, str], Label]:
    return {(f"q{n}", tier): Label(score, source) for n, score in enumerate(scores)}


def test_no_rate_mixes_two_sources_but_checks_are_one() -> None:
    found = labels("small", "check: number", [1.0] * 10) | {
        (f"q{n}", "small"): Label(0.0, "check: json" if n < 20 else "judge j") for n in range(10, 30)
    }

    rates = measure_rates(QUERIES, GROUPS, TIERS, found, {})

    assert [(rate.source, rate.acceptable.estimate, rate.acceptable.n) for rate in rates] == [
        ("check", 0.5, 20),
        ("judge j", 0.0, 10),
    ]
    assert rates[0].acceptable.low < 0.5 < rates[0].acceptable.high
    assert (rates[1].acceptable.low, rates[1].acceptable.high) == (0.0, pytest.approx(0.3))  # rule of three


def test_the_reference_says_nothing_of_itself_unless_a_check_does() -> None:
    judged = labels("small", "judge j", [1.0, 0.0]) | labels("large", "judge j", [1.0, 1.0])
    checked = labels("large", "check: number", [1.0, 0.0])

    by_judge = measure_rates(QUERIES, GROUPS, TIERS, judged, labels("large", "human", [1.0, 0.0]))
    by_check = measure_rates(QUERIES, GROUPS, TIERS, checked, {})

    assert [(rate.tier, rate.source, rate.is_reference, rate.corrected) for rate in by_judge] == [
        ("small", "judge j", False, None),
        ("large", "judge j", True, None),
        ("large", "human", False, None),
    ]
    assert [rate.is_reference for rate in by_check] == [False]


def test_an_undecided_pair_is_no_failure_but_lowers_the_mean() -> None:
    (rate,) = measure_rates(QUERIES, GROUPS, TIERS, labels("small", "judge j", [0.5, 1.0, 0.0, 0.5]), {})

    assert (rate.acceptable.estimate, rate.mean_score.estimate) == (0.75, 0.5)


def test_a_query_that_was_drawn_rarely_counts_for_more() -> None:
    drawn = [
        Query(query_id=f"q{n}", prompt=f"Question {n}?", inclusion_probability=0.1 if n < 20 else 0.9) for n in range(N)
    ]

    (rate,) = measure_rates(drawn, GROUPS, TIERS, labels("small", "judge j", [1.0] * 20 + [0.0] * 20), {})

    assert rate.acceptable.estimate == pytest.approx(0.9)


def test_human_labels_may_name_the_tier_or_the_model_and_what_is_left_out_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text(
        '{"query_id": "q1", "model": "small", "score": 1}\n'
        '{"query_id": "q2", "model": "llama-8b", "score": 0}\n'
        '{"query_id": "q3", "model": "small"}\n'
        '{"query_id": "q9", "model": "small", "score": 1}\n'
        '{"query_id": "q3", "model": "gpt-9", "score": 1}\n'
        '{"query_id": "nowhere", "model": "small", "score": 1}\n',
        "utf-8",
    )
    titles = {"small": "llama-8b", "large": "llama-70b"}

    people = read_human_labels(path, set(GROUPS), titles, QUERIES[:5])

    assert people.labels == {("q1", "small"): Label(1.0, "human"), ("q2", "small"): Label(0.0, "human")}
    assert people.report is not None
    assert people.report.left_out == {
        "without a score": 1,
        "of queries not drawn": 1,
        "of models that are not labelled here": 1,
    }
    assert people.report.n_bad == 1
    with pytest.raises(DatasetError, match="labels answers of gpt-9, llama-8b, small, but the tiers are large"):
        read_human_labels(path, set(GROUPS), {"large": "llama-70b"}, QUERIES)
