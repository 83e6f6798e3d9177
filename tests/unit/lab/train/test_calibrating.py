from collections.abc import Callable

import numpy as np
import pytest

from suffice.estimators.calibrators import Calibrator, Isotonic, Platt
from suffice.lab.metrics import Floats, expected_calibration_error, perfect_ece_quantile
from suffice.lab.train.calibrating import calibrate, fit_isotonic, fit_platt

PLACES = np.linspace(-1.0, 2.0, 31)


def draw(n: int, *, seed: int = 0, slope: float = 3.0, intercept: float = -1.0) -> tuple[Floats, Floats]:
    """Raw predictions, and outcomes that follow a logistic curve through them."""
    rng = np.random.default_rng(seed)
    raw = rng.uniform(-0.2, 1.2, n)
    return raw, (rng.random(n) < 1 / (1 + np.exp(-slope * raw - intercept))).astype(np.float64)


def draw_steps(n: int, *, seed: int = 0) -> tuple[Floats, Floats]:
    """Outcomes that no logistic curve follows: .1, .5 up to .8 of the raw prediction, then .95."""
    rng = np.random.default_rng(seed)
    raw = rng.random(n)
    return raw, (rng.random(n) < np.where(raw < 0.1, 0.05, np.where(raw < 0.8, 0.5, 0.97))).astype(np.float64)


def apply(calibrator: Calibrator, raw: Floats) -> Floats:
    return np.array([calibrator(score) for score in raw.tolist()])


def test_a_known_logistic_curve_is_found_again() -> None:
    calibrator = fit_platt(*draw(20_000))

    assert calibrator.slope == pytest.approx(3.0, abs=0.15)
    assert calibrator.intercept == pytest.approx(-1.0, abs=0.1)


@pytest.mark.parametrize(("scale", "shift"), [(1e-4, 0.0), (1e3, -7e3)])
def test_the_scale_of_raw_predictions_plays_no_part(scale: float, shift: float) -> None:
    raw, ok = draw(500)

    plain, scaled = fit_platt(raw, ok), fit_platt(raw * scale + shift, ok)

    assert apply(scaled, raw * scale + shift) == pytest.approx(apply(plain, raw), abs=1e-3)


def test_few_outcomes_say_less_than_they_seem_to() -> None:
    raw, ok = np.array([0.0, 0.1, 0.9, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])

    p = apply(fit_platt(raw, ok), raw)

    # Parted without a mistake; targets smoothed by Platt's rule are .25 and .75.
    assert p == pytest.approx([0.25, 0.25, 0.75, 0.75], abs=0.03)


def test_predictions_that_point_the_wrong_way_tell_nothing() -> None:
    raw, ok = draw(500)

    calibrator = fit_platt(-raw, ok)

    assert calibrator.slope == 0.0
    assert calibrator(0.3) == pytest.approx(ok.mean(), abs=0.01)


@pytest.mark.parametrize("n_ok", [0, 3, 10])
def test_predictions_all_the_same_get_the_share_that_is_ok(n_ok: int) -> None:
    ok = np.concatenate([np.ones(n_ok), np.zeros(10 - n_ok)])

    calibrator = fit_platt(np.full(10, 0.7), ok)

    assert apply(calibrator, PLACES) == pytest.approx(np.full(PLACES.size, (n_ok + 1) / 12))


@pytest.mark.parametrize("fit", [fit_platt, fit_isotonic])
@pytest.mark.parametrize("seed", range(3))
def test_a_higher_prediction_never_gets_a_lower_probability(
    fit: Callable[[Floats, Floats], Calibrator], seed: int
) -> None:
    p = apply(fit(*draw_steps(300, seed=seed)), PLACES)

    assert (np.diff(p) >= 0).all()
    assert p[0] < p[-1]


def test_isotonic_follows_what_is_no_logistic_curve() -> None:
    calibrator = fit_isotonic(*draw_steps(20_000))

    assert apply(calibrator, np.array([0.03, 0.3, 0.6, 0.95])) == pytest.approx([0.05, 0.5, 0.5, 0.97], abs=0.06)


@pytest.mark.parametrize(("n", "n_points"), [(60, 2), (500, 10), (20_000, 64)])
def test_isotonic_rests_on_blocks_of_outcomes(n: int, n_points: int) -> None:
    assert fit_isotonic(*draw(n)).to_array().shape == (2, n_points)


def test_isotonic_of_equal_predictions_is_one_point() -> None:
    calibrator = fit_isotonic(np.full(100, 0.5), np.tile([0.0, 1.0], 50))

    assert apply(calibrator, PLACES) == pytest.approx(np.full(PLACES.size, 0.5))


def test_the_curve_that_fits_held_out_outcomes_is_taken() -> None:
    folds = np.arange(4_000) % 5

    of_curve, _ = calibrate(*draw(4_000), folds)
    of_steps, _ = calibrate(*draw_steps(4_000), folds)

    assert isinstance(of_curve, Platt)
    assert isinstance(of_steps, Isotonic)


def test_steps_are_not_followed_where_they_may_be_chance() -> None:
    calibrator, _ = calibrate(*draw_steps(900), np.arange(900) % 5)

    assert isinstance(calibrator, Platt)


def test_probabilities_of_a_fold_know_nothing_of_its_outcomes() -> None:
    raw, ok = draw(300)
    folds = np.arange(300) % 5
    outside = folds == 2

    _, before = calibrate(raw, ok, folds)
    _, after = calibrate(raw, np.where(outside, 1 - ok, ok), folds)

    assert np.array_equal(before[outside], after[outside])
    assert not np.array_equal(before[~outside], after[~outside])


@pytest.mark.parametrize(("drawn", "n"), [(draw, 1_000), (draw, 4_000), (draw_steps, 4_000)])
def test_fresh_outcomes_bear_the_probabilities_out(drawn: Callable[..., tuple[Floats, Floats]], n: int) -> None:
    calibrator, _ = calibrate(*drawn(n), np.arange(n) % 5)
    raw, ok = drawn(1_000, seed=1)

    p = apply(calibrator, raw)

    assert expected_calibration_error(p, ok) < perfect_ece_quantile(p)
