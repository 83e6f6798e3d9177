"""The correction of a rate by the labeller's error, on populations whose true rate is known."""

from collections.abc import Sequence

import numpy as np
import pytest

from suffice.lab.label.judge_error import Confusion, CorrectedRate, DoublyLabelled, correct_rate

Said = Sequence[tuple[bool, bool | None]]


def build(pairs: Said, *, weights: list[float] | None = None) -> DoublyLabelled:
    """Answers as (judge says acceptable, human says)."""
    return DoublyLabelled(
        judged_ok=np.array([judged for judged, _ in pairs]),
        human_ok=np.array([bool(human) for _, human in pairs]),
        has_human=np.array([human is not None for _, human in pairs]),
        weights=np.array(weights) if weights else np.ones(len(pairs)),
        groups=[str(number) for number in range(len(pairs))],
    )


def simulate(rng: np.random.Generator, *, sensitivity: float, specificity: float, rate: float) -> DoublyLabelled:
    n, n_human = 600, 150
    truth = rng.random(n) < rate
    judged = np.where(truth, rng.random(n) < sensitivity, rng.random(n) >= specificity)
    has_human = np.zeros(n, dtype=np.bool_)
    has_human[rng.permutation(n)[:n_human]] = True
    return DoublyLabelled(
        judged_ok=judged,
        human_ok=truth & has_human,
        has_human=has_human,
        weights=np.ones(n),
        groups=[str(number) for number in range(n)],
    )


def test_the_estimate_is_rogans_and_gladens() -> None:
    # Of 20 good ones 16 are found, of 10 bad ones 7; of all 130 answers 90 are called acceptable.
    human = [(True, True)] * 16 + [(False, True)] * 4 + [(False, False)] * 7 + [(True, False)] * 3
    others: Said = [(True, None)] * 71 + [(False, None)] * 29

    corrected = correct_rate(build([*human, *others]))

    assert corrected.confusion == Confusion(n_hits=16, n_misses=4, n_correct_rejections=7, n_false_alarms=3)
    assert (corrected.confusion.sensitivity, corrected.confusion.specificity) == (0.8, 0.7)
    assert corrected.rate is not None
    assert corrected.rate.estimate == pytest.approx((90 / 130 + 0.7 - 1) / (0.8 + 0.7 - 1))
    assert corrected.rate.low < corrected.rate.estimate < corrected.rate.high
    assert (corrected.rate.n, corrected.rate.n_groups) == (130, 130)


def test_the_corrected_rate_is_unbiased_and_its_interval_holds_the_truth() -> None:
    rng = np.random.default_rng(11)
    runs = [
        correct_rate(simulate(rng, sensitivity=0.9, specificity=0.75, rate=0.7), n_resamples=200, seed=run)
        for run in range(100)
    ]

    rates = [run.rate for run in runs if run.rate is not None]
    covered = [rate.low <= 0.7 <= rate.high for rate in rates]

    assert len(rates) == 100
    assert np.mean([rate.estimate for rate in rates]) == pytest.approx(0.7, abs=0.012)
    assert 0.88 <= np.mean(covered) <= 0.99


def test_a_worse_judge_gives_a_wider_interval_and_none_a_narrower_one_than_sampling_alone() -> None:
    widths: list[float] = []
    for sensitivity, specificity in ((1.0, 1.0), (0.9, 0.9), (0.75, 0.75)):
        labelled = simulate(np.random.default_rng(3), sensitivity=sensitivity, specificity=specificity, rate=0.7)
        rate = correct_rate(labelled).rate
        assert rate is not None
        widths.append(rate.high - rate.low)

    assert widths[0] < widths[1] < widths[2]
    assert widths[0] > 2 * 1.96 * np.sqrt(0.7 * 0.3 / 600) * 0.95


def test_no_error_seen_in_a_few_labels_is_no_proof_that_there_is_none() -> None:
    few: Said = [(True, True)] * 5 + [(False, False)] * 5
    many = [*few] * 20
    others: Said = [(True, None)] * 300 + [(False, None)] * 200

    by_few, by_many = correct_rate(build([*few, *others])).rate, correct_rate(build([*many, *others])).rate

    assert by_few is not None
    assert by_many is not None
    assert by_few.high - by_few.low > 2 * (by_many.high - by_many.low)


def test_weights_count_for_the_queries_that_were_not_drawn() -> None:
    pairs: Said = [(True, True), (True, None), (False, False), (False, None)] * 20

    even = correct_rate(build(pairs)).rate
    tilted = correct_rate(build(pairs, weights=[3.0, 3.0, 1.0, 1.0] * 20)).rate

    assert even is not None
    assert tilted is not None
    assert (even.estimate, tilted.estimate) == (0.5, 0.75)


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        ([(True, True)] * 20, "people called none of 20 answers unacceptable"),
        ([(False, False)] * 20, "people called none of 20 answers acceptable"),
        ([(True, True), (True, False), (False, True), (False, False)] * 5, "hardly better than chance"),
        ([(False, True), (True, False)] * 10, "hardly better than chance"),
        ([(True, True)] * 10 + [(False, False), (True, False)], "too few human labels"),
    ],
)
def test_what_cannot_be_corrected_says_why(pairs: Said, problem: str) -> None:
    corrected: CorrectedRate = correct_rate(build([*pairs, (True, None)]))

    assert corrected.rate is None
    assert problem in (corrected.problem or "")
