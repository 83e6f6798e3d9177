from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from drawn_examples import (
    HARD_WORD,
    LAYOUT,
    ODD_TEXTS,
    draw_examples,
    draw_texts,
    make_examples,
    read_features,
    say_hard,
    serve,
)
from numpy.typing import NDArray

from suffice.errors import DatasetError
from suffice.estimators.bundle import Bundle, Manifest, load, save
from suffice.estimators.lexical import KIND, build
from suffice.lab.metrics import Floats, Plan
from suffice.lab.train import kernel as kernels
from suffice.lab.train.bundling import assess
from suffice.lab.train.choice import apgr_of, nested
from suffice.lab.train.crossval import Targets, by_target, solve_all, view_of
from suffice.lab.train.design import Design
from suffice.lab.train.examples import Examples
from suffice.lab.train.kernel import make_kernel, word_likeness
from suffice.lab.train.prior import Prior
from suffice.lab.train.training import Fitted, TrainPlan, frequent_words, train_on
from suffice.testing import bundles

PLAN = TrainPlan(layout=LAYOUT)


@cache
def fit(n: int = 100, seed: int = 0, n_others: int = 0, *, with_categories: bool = False) -> Fitted:
    return train_on(draw_examples(n, seed=seed, n_others=n_others, with_categories=with_categories), PLAN)


def write(path: Path, fitted: Fitted) -> Bundle:
    models, parameters = fitted.examples.models, fitted.trained.to_parameters()
    manifest = Manifest(kind=KIND, models=models, created="2026-11-23", parameters=parameters)
    save(path, manifest, fitted.trained.to_arrays())
    return load(path)


def draw_lengths(n: int, seed: int) -> tuple[list[str], NDArray[np.bool_]]:
    """Texts without a hard word, of which the long ones are hard."""
    rng = np.random.default_rng(seed)
    is_hard = rng.random(n) < 0.4
    texts = [" ".join(rng.choice(["knots", "tides", "list"], size=25 if hard else 5)) for hard in is_hard.tolist()]
    return texts, is_hard


def permute(examples: Examples, seed: int) -> Examples:
    """The same outcomes, handed out at random."""
    return replace(examples, scores=np.random.default_rng(seed).permutation(examples.scores))


def predict_in_rows(fitted: Fitted, prior: Prior | None = None) -> Floats:
    """Outputs of the training texts by way of their likeness to each other, without any weight, shape (n, 1 + 2)."""
    examples, features = fitted.examples, read_features(fitted.examples.texts, fitted.trained.layout)
    expected = np.zeros(examples.n) if prior is None else prior.expect(examples, np.arange(examples.n))
    held = fitted.held[fitted.chosen.view]
    rows = Design.fit(features, view_of(held.view, prior)).rows(features)
    kernel = make_kernel(rows, word_likeness(rows))
    solved = solve_all(kernel, Targets.of(examples, fitted.folds, expected).columns())
    predicted = by_target(kernel.apply(solved.dual) + solved.intercepts).astype(np.float64)
    n_gains = held.gain.shape[1]
    gain = np.einsum("ntp,tp->n", predicted[:, :n_gains], fitted.chosen.coefficients(n_gains)) + expected
    of_ok = [np.mean((held.ok[:, model] - examples.ok[:, [model]]) ** 2, axis=0).argmin() for model in range(2)]
    return np.column_stack([gain, *(predicted[:, n_gains + model, place] for model, place in enumerate(of_ok))])


def test_a_word_that_decides_is_found() -> None:
    texts = draw_texts(300, np.random.default_rng(50))
    fresh = make_examples(texts, say_hard(texts), np.random.default_rng(51))

    fitted = fit(200)

    assert apgr_of(serve(fitted.trained, fresh.texts)[:, 0], fresh.paired) > 0.65
    assert apgr_of(fitted.gain, fitted.examples.paired) > 0.65


def test_a_length_that_decides_is_found() -> None:
    fitted = train_on(make_examples(*draw_lengths(150, 0), np.random.default_rng(1)), PLAN)
    fresh = make_examples(*draw_lengths(300, 2), np.random.default_rng(3))

    assert apgr_of(serve(fitted.trained, fresh.texts)[:, 0], fresh.paired) > 0.65


def test_what_is_probably_right_is_rated_so() -> None:
    fitted = fit(200)
    calibrator = fitted.trained.calibrators[0]

    p_ok = np.array([calibrator(raw) for raw in serve(fitted.trained, fitted.examples.texts)[:, 1].tolist()])

    is_hard = say_hard(fitted.examples.texts)
    assert p_ok[is_hard].mean() == pytest.approx(0.2, abs=0.12)
    assert p_ok[~is_hard].mean() == pytest.approx(0.85, abs=0.12)


@pytest.mark.parametrize("seed", range(3))
def test_of_outcomes_handed_out_at_random_nothing_is_claimed(seed: int) -> None:
    shuffled = permute(draw_examples(200, with_categories=True), seed)

    apgr = assess(train_on(shuffled, PLAN), Plan(n_resamples=200)).gain.apgr

    assert apgr.low < 0.5 < apgr.high


def test_over_many_shuffled_controls_the_figure_is_a_half() -> None:
    examples = draw_examples(100)

    found = [apgr_of(train_on(shuffled, PLAN).gain, shuffled.paired) for shuffled in map_seeds(examples, range(16))]

    assert float(np.mean(found)) == pytest.approx(0.5, abs=0.05)


def map_seeds(examples: Examples, seeds: Sequence[int]) -> list[Examples]:
    return [permute(examples, seed) for seed in seeds]


@pytest.mark.parametrize("kind", ["plain", "categories", "others"])
def test_what_is_served_is_what_was_solved_in_rows(kind: str) -> None:
    fitted = fit(100, n_others=5 * (kind == "others"), with_categories=kind == "categories")

    assert serve(fitted.trained, fitted.examples.texts) == pytest.approx(predict_in_rows(fitted), abs=5e-3)


def test_a_warm_start_with_landmarks_is_served_as_it_was_solved(tmp_path: Path) -> None:
    start = write(tmp_path / "start", fit(200, seed=9))
    examples = draw_examples(60)
    prior = Prior.of(start, examples, LAYOUT)

    fitted = train_on(examples, PLAN, warm_start=start)

    assert fitted.trust is not None
    assert 0.0 < fitted.trust < 1.0
    assert serve(fitted.trained, examples.texts) == pytest.approx(predict_in_rows(fitted, prior), abs=5e-3)


def test_a_warm_start_without_landmarks_is_served_as_it_was_solved(tmp_path: Path) -> None:
    start = bundles.write_bundle(tmp_path / "start", {HARD_WORD: 2.0, "rivers": -0.5})
    examples = draw_examples(60)
    prior = Prior.of(start, examples, bundles.LAYOUT)

    fitted = train_on(examples, TrainPlan(layout=bundles.LAYOUT), warm_start=start)

    assert fitted.trust is not None
    assert fitted.trust > 0.0
    assert serve(fitted.trained, examples.texts) == pytest.approx(predict_in_rows(fitted, prior), abs=5e-3)


def test_a_bundle_rates_texts_as_they_were_trained_within_what_16_bits_hold(tmp_path: Path) -> None:
    fitted = fit(100)
    texts = [*fitted.examples.texts, *ODD_TEXTS]

    router = build(write(tmp_path / "bundle", fitted))

    served = np.array([router.lexical(text) for text in texts])
    assert served == pytest.approx(serve(fitted.trained, texts), abs=2e-3, rel=1e-3)
    assert np.isfinite(served).all()
    assert all(0.0 <= router.rate(text).complexity <= 10.0 for text in texts)


def test_complexities_of_texts_like_those_trained_on_are_spread_evenly(tmp_path: Path) -> None:
    rng = np.random.default_rng(60)
    texts = draw_texts(400, rng)
    router = build(write(tmp_path / "bundle", fit(300)))

    complexities = np.sort([router.rate(text).complexity for text in texts])

    # Kolmogorov's distance from the uniform distribution; chance alone keeps it below .1 on so many and so few texts.
    assert np.abs(complexities / 10 - (np.arange(400) + 0.5) / 400).max() < 0.12


def test_three_tiers_have_a_probability_each(tmp_path: Path) -> None:
    two = draw_examples(100, n_others=5)
    middle = two.scores.mean(axis=1, keepdims=True).round()
    three = replace(
        two, models=("small", "middle", "large"), scores=np.hstack([two.scores[:, :1], middle, two.scores[:, 1:]])
    )

    fitted = train_on(three, PLAN)

    assert fitted.p_ok.shape == (100, 3)
    assert np.array_equal(fitted.gain, fit(100, n_others=5).gain)
    router = build(write(tmp_path / "bundle", fitted))
    assert router.models == ["small", "middle", "large"]
    assert len(router.rate("prove knots").p_ok) == 3


def test_a_model_that_never_fails_gets_a_high_and_level_probability(tmp_path: Path) -> None:
    examples = draw_examples(100)
    examples.scores[:, 1] = 1.0

    router = build(write(tmp_path / "bundle", train_on(examples, PLAN)))

    p_large = {router.rate(text).p_ok[1] for text in ("prove knots", "list knots", *ODD_TEXTS)}
    assert max(p_large) - min(p_large) < 1e-6
    assert min(p_large) == pytest.approx(101 / 102)


def test_probabilities_are_of_models_that_did_not_see_the_row() -> None:
    fitted = fit(200)
    rest = fitted.folds != 0

    log_loss = -np.mean(np.log(np.where(fitted.examples.ok > 0, fitted.p_ok, 1 - fitted.p_ok)), axis=0)

    p_rate = fitted.examples.ok[rest].mean(axis=0)
    of_rate = -(p_rate * np.log(p_rate) + (1 - p_rate) * np.log(1 - p_rate))
    assert log_loss[0] < 0.9 * of_rate[0]
    assert ((fitted.p_ok > 0) & (fitted.p_ok < 1)).all()


def test_gains_are_rated_by_what_was_chosen_without_their_fold() -> None:
    fitted = fit(100, with_categories=True)

    assert np.array_equal(fitted.gain, nested(fitted.held, fitted.examples.paired, fitted.folds))


def test_no_group_is_in_two_folds() -> None:
    examples = draw_examples(100)
    examples = replace(examples, groups=[f"g{index % 30}" for index in range(100)])

    folds = train_on(examples, PLAN).folds

    folds_of: dict[str, set[int]] = {}
    for group, fold in zip(examples.groups, folds.tolist(), strict=True):
        folds_of.setdefault(group, set()).add(fold)
    assert all(len(found) == 1 for found in folds_of.values())
    assert set(folds.tolist()) == set(range(5))


def test_too_few_groups_are_told_with_a_way_out() -> None:
    examples = replace(draw_examples(40), groups=[f"g{index % 4}" for index in range(40)])

    with pytest.raises(
        DatasetError, match=r"40 queries .* in 4 groups, but 5 at least .*; take queries that differ more"
    ):
        train_on(examples, PLAN)


def test_folds_of_folds_need_three() -> None:
    with pytest.raises(ValueError, match="need 3 folds at least; got 2"):
        TrainPlan(n_folds=2)
    assert train_on(draw_examples(40, n_others=5), TrainPlan(layout=LAYOUT, n_folds=3)).gain.size == 40


def test_equal_seeds_make_equal_bytes(tmp_path: Path) -> None:
    for place in range(4):
        write(tmp_path / str(place), train_on(draw_examples(60, n_others=4), PLAN))

    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_another_seed_parts_the_texts_in_another_way() -> None:
    examples = draw_examples(60)

    assert not np.array_equal(
        train_on(examples, TrainPlan(layout=LAYOUT, seed=1)).folds, train_on(examples, PLAN).folds
    )


def test_more_texts_than_a_kernel_holds_are_trained_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    dense = fit(100, n_others=5)

    monkeypatch.setattr(kernels, "MAX_DENSE", 50)
    factored = train_on(draw_examples(100, n_others=5), PLAN)

    texts = ["prove knots", "list tides and rivers", *ODD_TEXTS]
    assert serve(factored.trained, texts) == pytest.approx(serve(dense.trained, texts), abs=0.05, rel=0.1)


def test_words_of_fewer_than_three_groups_stay_out_of_the_vocabulary() -> None:
    texts = ["secret knots and tides", "Knots, knots: tides", "knots tides", "knots secret", "secret"]
    examples = replace(draw_examples(5), texts=texts, groups=["a", "b", "c", "d", "a"])

    assert frequent_words(examples) == [b"knots", b"tides"]


def test_a_bundle_holds_no_word_that_only_one_or_two_said(tmp_path: Path) -> None:
    examples = draw_examples(60)
    texts = [f"{text} alice{index // 2}" for index, text in enumerate(examples.texts)]

    bundle = write(tmp_path / "bundle", train_on(replace(examples, texts=texts), PLAN))

    vocabulary = bundle.arrays["vocabulary"].tobytes().split()
    assert b"prove" in vocabulary
    assert not [word for word in vocabulary if word.startswith(b"alice")]


def test_the_vocabulary_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suffice.lab.train.training._MAX_VOCABULARY", 2)
    texts = ["a b c", "a b c", "a b c", "b"]
    examples = replace(draw_examples(4), texts=texts, groups=["1", "2", "3", "4"])

    assert frequent_words(examples) == [b"b", b"a"]


def test_a_cold_start_trusts_nobody() -> None:
    assert fit(100).trust is None
