"""Predictions for every text by models that never saw its group."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical import Landmarks
from suffice.lab.metrics import Floats
from suffice.lab.train.design import Design, ShapeView, TextFeatures
from suffice.lab.train.examples import Examples, Track
from suffice.lab.train.kernel import Kernel, make_kernel, word_likeness
from suffice.lab.train.prior import Prior
from suffice.lab.train.ridge import Ridge, fit
from suffice.lab.train.targets import denoise

PENALTIES = (2.0, 8.0, 32.0)
"""Of the ridge regressions, where rows have a mean square length of 2.9."""

VIEWS = (
    ShapeView(kinds=1.0, openings=1.0, sharpness=0.3),
    ShapeView(kinds=0.5, openings=0.3, sharpness=1.0),
)
"""A broad look at the shape of texts, and a sharp one at their lengths and marks."""

VIEW_NAMES = ("broad", "sharp")


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What is regressed on, column by column."""

    uplift: Floats
    """Less what the prior expects, shape (n,)."""
    quiet: Floats | None
    """The same, denoised, shape (n,); None where nothing else is known of the prompts."""
    ok: Floats
    """By model, shape (n, n_models)."""

    @classmethod
    def of(cls, examples: Examples, folds: NDArray[np.intp], prior_gain: Floats) -> "Targets":
        """Targets of examples; the prior's expectation is taken off."""
        quiet = denoise(examples, folds)
        return cls(examples.uplift - prior_gain, None if quiet is None else quiet - prior_gain, examples.ok)

    def columns(self) -> Floats:
        """All of them, shape (n, 1 or 2 + n_models): uplift, quiet, success of each model."""
        gains = [self.uplift] if self.quiet is None else [self.uplift, self.quiet]
        return np.column_stack([*gains, self.ok])


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Predictions of one view for rows that did not train them."""

    view: ShapeView | None
    """None: that of the prior."""
    gain: Floats
    """By target (uplift, and quiet where there is one) and penalty, shape (n, 1 or 2, n_penalties)."""
    ok: Floats
    """Shape (n, n_models, n_penalties)."""

    @property
    def view_name(self) -> str:
        """For reports."""
        return "inherited" if self.view is None else VIEW_NAMES[VIEWS.index(self.view)]


def solve_all(kernel: Kernel, targets: Floats) -> Ridge:
    """Every target at every penalty; the columns of the result are target by target, within it penalty by penalty."""
    repeated = np.repeat(targets, len(PENALTIES), axis=1)
    return fit(kernel, repeated, np.tile(PENALTIES, targets.shape[1]))


def by_target(columns: NDArray[np.floating]) -> NDArray[np.floating]:
    """Columns of `solve_all` with targets and penalties as the last two axes."""
    return columns.reshape(*columns.shape[:-1], -1, len(PENALTIES))


def view_of(view: ShapeView | None, prior: Prior | None) -> ShapeView | Landmarks:
    """How shapes are compared: by the view, or by the prior's landmarks.

    Raises:
        ValueError: There is neither.
    """
    if view is not None:
        return view
    if prior is None or prior.landmarks is None:
        raise ValueError("neither a view nor a prior's landmarks to look by")
    return prior.landmarks


def hold_out(
    examples: Examples,
    features: TextFeatures,
    folds: NDArray[np.intp],
    *,
    prior: Prior | None = None,
    track: Track = lambda steps: steps,
) -> list[Held]:
    """Cross-validate each view.

    Scales and landmarks are fixed once for all folds: they look at texts alone, never at an outcome.

    Args:
        examples: Of n texts.
        features: Of the same texts.
        folds: Of each, no group in two, shape (n,).
        prior: Of a warm start.
        track: Shows how far it is; takes the steps.
    """
    views = VIEWS if prior is None or prior.landmarks is None else (None,)
    n_folds = int(folds.max()) + 1
    parts = [_part(examples, folds, fold, prior) for fold in range(n_folds)]
    steps = iter(track(range(len(views) * n_folds)))
    likeness: NDArray[np.float32] | None = None
    held: list[Held] = []
    for view in views:
        rows = Design.fit(features, view_of(view, prior)).rows(features)
        likeness = likeness if held else word_likeness(rows)
        kernel = make_kernel(rows, likeness)
        held.append(_empty(view, examples, has_quiet=parts[0].targets.quiet is not None))
        for part, _ in zip(parts, steps, strict=False):
            _fill(held[-1], kernel, part)
    return held


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    inside: NDArray[np.intp]
    outside: NDArray[np.intp]
    targets: Targets
    """Of the rows inside."""
    expected: Floats
    """Of the rows outside, by the prior."""


def _part(examples: Examples, folds: NDArray[np.intp], fold: int, prior: Prior | None) -> _Part:
    inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
    trained = examples.take(inside)
    expected = np.zeros(examples.n) if prior is None else prior.expect(trained, inside)
    return _Part(inside, outside, Targets.of(trained, folds[inside], expected[inside]), expected[outside])


def _empty(view: ShapeView | None, examples: Examples, *, has_quiet: bool) -> Held:
    n_models = len(examples.models)
    return Held(
        view,
        np.empty((examples.n, 1 + has_quiet, len(PENALTIES))),
        np.empty((examples.n, n_models, len(PENALTIES))),
    )


def _fill(held: Held, kernel: Kernel, part: _Part) -> None:
    solved = solve_all(kernel.take(part.inside), part.targets.columns())
    predicted = by_target(kernel.predict(part.outside, part.inside, solved.dual) + solved.intercepts)
    n_gains = held.gain.shape[1]
    held.gain[part.outside] = predicted[:, :n_gains] + part.expected[:, None, None]
    held.ok[part.outside] = predicted[:, n_gains:]
