from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from drawn_examples import LAYOUT, draw_examples, read_features
from numpy.typing import NDArray

from suffice.estimators.bundle import Bundle, Manifest, load, save
from suffice.estimators.lexical import KIND
from suffice.lab.dataset import assign_folds
from suffice.lab.train import kernel as kernels
from suffice.lab.train.crossval import PENALTIES, VIEWS, Held, Targets, by_target, hold_out, solve_all, view_of
from suffice.lab.train.design import Design
from suffice.lab.train.examples import Examples
from suffice.lab.train.kernel import make_kernel, word_likeness
from suffice.lab.train.prior import Prior
from suffice.lab.train.training import TrainPlan, train_on

N = 60
FOLD = 2
KINDS = ("plain", "categories", "others")


def draw(kind: str, seed: int = 0) -> Examples:
    return draw_examples(N, seed=seed, n_others=5 * (kind == "others"), with_categories=kind == "categories")


def folds_of(examples: Examples) -> NDArray[np.intp]:
    return assign_folds(examples.groups, 4)


def cross_validate(examples: Examples, *, prior: Bundle | None = None) -> Sequence[Held]:
    asked = None if prior is None else Prior.of(prior, examples, LAYOUT)
    return hold_out(examples, read_features(examples.texts), folds_of(examples), prior=asked)


@pytest.fixture(scope="module")
def prior(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle with landmarks, trained on other outcomes of the same kind."""
    trained = train_on(draw_examples(80, seed=9), TrainPlan(layout=LAYOUT)).trained
    path = tmp_path_factory.mktemp("prior") / "bundle"
    manifest = Manifest(kind=KIND, models=("a", "b"), created="2026-11-23", parameters=trained.to_parameters())
    save(path, manifest, trained.to_arrays())
    return load(path)


def change_fold(examples: Examples, which: NDArray[np.bool_]) -> Examples:
    """Turn every outcome of some rows into its opposite."""
    scores, others = examples.scores.copy(), examples.other_scores.copy()
    scores[which], others[which] = 1 - scores[which], 1 - others[which]
    return replace(examples, scores=scores, other_scores=others)


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_predicted_of_a_fold_knows_nothing_of_its_outcomes(prior: Bundle, kind: str, *, warm: bool) -> None:
    examples = draw(kind)
    outside = folds_of(examples) == FOLD
    changed = change_fold(examples, outside)
    start = prior if warm else None

    before, after = cross_validate(examples, prior=start), cross_validate(changed, prior=start)

    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one.gain[outside], other.gain[outside])
        assert np.array_equal(one.ok[outside], other.ok[outside])
        for target in range(one.gain.shape[1]):
            assert not np.allclose(one.gain[~outside, target], other.gain[~outside, target])
        assert not np.allclose(one.ok[~outside], other.ok[~outside])


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fold_is_predicted_as_a_model_of_the_other_rows_predicts_it(prior: Bundle, kind: str, *, warm: bool) -> None:
    examples = draw(kind)
    folds = folds_of(examples)
    inside, outside = np.flatnonzero(folds != FOLD), np.flatnonzero(folds == FOLD)
    features, some = read_features(examples.texts), examples.take(inside)
    asked = Prior.of(prior, examples, LAYOUT) if warm else None

    held = hold_out(examples, features, folds, prior=asked)[-1]

    expected = np.zeros(N) if asked is None else asked.expect(some, inside)
    rows = Design.fit(features, view_of(held.view, asked)).rows(features)
    targets = Targets.of(some, folds[inside], expected[inside]).columns()
    solved = solve_all(make_kernel(rows.take(inside), word_likeness(rows.take(inside))), targets)
    weights = rows.take(inside).of_rows(solved.dual)
    predicted = by_target(rows.take(outside).predict(weights) + solved.intercepts)
    n_gains = held.gain.shape[1]
    assert (expected[outside] != 0.0).any() == warm
    assert held.gain[outside] == pytest.approx(predicted[:, :n_gains] + expected[outside, None, None], abs=0.01)
    assert held.ok[outside] == pytest.approx(predicted[:, n_gains:], abs=0.01)


@pytest.mark.parametrize(("kind", "n_gains"), [("plain", 1), ("categories", 2), ("others", 2)])
def test_there_is_a_prediction_for_every_row_target_and_penalty(kind: str, n_gains: int) -> None:
    held = cross_validate(draw(kind))

    assert [each.view for each in held] == list(VIEWS)
    assert [each.view_name for each in held] == ["broad", "sharp"]
    for each in held:
        assert each.gain.shape == (N, n_gains, len(PENALTIES))
        assert each.ok.shape == (N, 2, len(PENALTIES))
        assert np.isfinite(each.gain).all()
        assert np.isfinite(each.ok).all()


def test_the_heavier_the_penalty_the_nearer_are_predictions_to_each_other() -> None:
    held = cross_validate(draw("plain"))

    for each in held:
        spreads = each.gain[:, 0].std(axis=0)
        assert spreads.tolist() == sorted(spreads, reverse=True)


def test_too_many_texts_for_a_kernel_are_predicted_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = draw("others")
    dense = cross_validate(examples)

    monkeypatch.setattr(kernels, "MAX_DENSE", 10)
    factored = cross_validate(examples)

    for one, other in zip(dense, factored, strict=True):
        assert one.gain == pytest.approx(other.gain, abs=0.02)
        assert one.ok == pytest.approx(other.ok, abs=0.02)


def test_a_prior_with_landmarks_lends_its_view(prior: Bundle) -> None:
    held = cross_validate(draw("plain"), prior=prior)

    assert [each.view for each in held] == [None]
    assert held[0].view_name == "inherited"


def test_without_a_view_and_without_landmarks_there_is_nothing_to_look_by() -> None:
    with pytest.raises(ValueError, match="neither a view nor a prior's landmarks"):
        view_of(None, None)


def test_progress_is_told_fold_by_fold() -> None:
    told: list[int] = []
    examples = draw("plain")

    def track(steps: Sequence[int]) -> Sequence[int]:
        told.extend(steps)
        return steps

    hold_out(examples, read_features(examples.texts), folds_of(examples), track=track)

    assert told == list(range(2 * 4))


def test_targets_stand_column_by_column() -> None:
    examples = draw("categories")
    expected = np.full(N, 0.25)

    targets = Targets.of(examples, folds_of(examples), expected)

    assert targets.quiet is not None
    assert targets.uplift.tolist() == (examples.uplift - 0.25).tolist()
    assert np.array_equal(targets.columns(), np.column_stack([targets.uplift, targets.quiet, examples.ok]))
