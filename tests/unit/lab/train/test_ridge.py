import numpy as np
import pytest
from numpy.typing import NDArray

from suffice.lab.train import ridge
from suffice.lab.train.kernel import DenseKernel
from suffice.lab.train.ridge import Ridge, fit

N, N_FEATURES = 40, 60
PENALTIES = np.array([0.5, 4.0, 48.0])


def draw(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features far from the origin and three targets, of which the intercept is a large part."""
    rng = np.random.default_rng(seed)
    return rng.normal(loc=0.5, size=(N, N_FEATURES)) / 3, rng.normal(loc=[7.0, -2.0, 0.3], size=(N, 3))


def make_kernel(features: NDArray[np.float64]) -> DenseKernel:
    return DenseKernel((features @ features.T).astype(np.float32))


def solve_exactly(
    features: NDArray[np.float64], target: NDArray[np.float64], penalty: float
) -> tuple[NDArray[np.float64], float]:
    """The normal equations, with the means taken out so that the intercept costs nothing."""
    centred = features - features.mean(axis=0)
    normal = centred.T @ centred + penalty * np.eye(features.shape[1])
    weights = np.asarray(np.linalg.solve(normal, centred.T @ (target - target.mean())), dtype=np.float64)
    return weights, float(np.mean(target - features @ weights))


def predict(found: Ridge, features: NDArray[np.float64], place: int) -> NDArray[np.float64]:
    return features @ features.T @ found.dual[:, place] + found.intercepts[place]


@pytest.mark.parametrize("seed", range(3))
def test_carried_on_to_the_end_it_is_the_solution_of_the_normal_equations(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(ridge, "_TOLERANCE", 1e-6)
    features, targets = draw(seed)

    found = fit(make_kernel(features), targets, PENALTIES)

    for place, penalty in enumerate(PENALTIES.tolist()):
        weights, intercept = solve_exactly(features, targets[:, place], penalty)
        assert features.T @ found.dual[:, place] == pytest.approx(weights, abs=2e-4)
        assert found.intercepts[place] == pytest.approx(intercept, abs=2e-3)


def test_what_is_left_out_is_half_a_per_cent_of_the_target_at_most() -> None:
    features, targets = draw()

    found = fit(make_kernel(features), targets, PENALTIES)

    for place, penalty in enumerate(PENALTIES.tolist()):
        weights, intercept = solve_exactly(features, targets[:, place], penalty)
        missed = predict(found, features, place) - (features @ weights + intercept)
        allowed = 0.005 * np.linalg.norm(targets[:, place] - targets[:, place].mean())
        assert np.linalg.norm(missed) < 1.1 * allowed


def test_each_target_is_solved_by_itself() -> None:
    features, targets = draw()
    kernel = make_kernel(features)

    together = fit(kernel, targets, PENALTIES)

    for place in range(3):
        alone = fit(kernel, targets[:, [place]], PENALTIES[[place]])
        assert together.dual[:, [place]] == pytest.approx(alone.dual, abs=1e-4)


def test_the_intercept_is_not_penalised() -> None:
    features, targets = draw()
    kernel = make_kernel(features)

    low, high = fit(kernel, targets, PENALTIES), fit(kernel, targets + 100.0, PENALTIES)

    assert high.dual == pytest.approx(low.dual, abs=2e-4)
    assert high.intercepts - low.intercepts == pytest.approx(100.0, abs=0.05)


def test_a_heavy_penalty_leaves_the_mean() -> None:
    features, targets = draw()

    found = fit(make_kernel(features), targets, np.full(3, 1e9))

    for place in range(3):
        assert predict(found, features, place) == pytest.approx(targets[:, place].mean(), abs=1e-4)


def test_a_target_that_is_the_same_everywhere_needs_no_weights() -> None:
    features, _ = draw()

    found = fit(make_kernel(features), np.ones((N, 1)), PENALTIES[:1])

    assert not found.dual.any()
    assert found.intercepts.tolist() == [1.0]


def test_equal_texts_may_differ_in_outcome() -> None:
    features = np.ones((4, 2))

    found = fit(make_kernel(features), np.array([[0.0], [1.0], [1.0], [0.0]]), np.array([1.0]))

    assert predict(found, features, 0) == pytest.approx([0.5] * 4)


def test_steps_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    features, targets = draw()
    kernel, light = make_kernel(features), np.full(3, 1e-6)
    solved = fit(kernel, targets, light)

    monkeypatch.setattr(ridge, "_MAX_STEPS", 2)
    stopped = fit(kernel, targets, light)

    missed = [np.std([predict(found, features, 0) - targets[:, 0]]) for found in (solved, stopped)]
    assert np.isfinite(stopped.dual).all()
    assert missed[0] < missed[1] < targets[:, 0].std()
