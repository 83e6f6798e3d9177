"""A warm start: what another bundle expects, to which one's own few outcomes are added."""

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from suffice.errors import BundleError
from suffice.estimators.bundle import Bundle
from suffice.estimators.lexical import Landmarks, Layout, build, layout_of
from suffice.estimators.lexical.router import read_landmarks
from suffice.lab.metrics import Floats
from suffice.lab.train.examples import Examples

_PRIOR_WEIGHT = 100.0
"""Outcomes that the belief "it tells nothing here" counts for."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What a bundle expects of the texts trained on."""

    bundle_id: str
    gain: Floats
    """Expected by the bundle, less its mean, shape (n,)."""
    mean: float
    """What was taken off."""
    weights: NDArray[np.float64]
    """Of the bundle's expected gain, shape (n_columns,)."""
    intercept: float
    landmarks: Landmarks | None
    """With weights for the expected gain alone."""

    @classmethod
    def of(cls, bundle: Bundle, examples: Examples, layout: Layout) -> "Prior":
        """Ask a bundle.

        Raises:
            BundleError: It cannot be used, or its features are laid out in another way.
        """
        router = build(bundle)
        if (given := layout_of(bundle.manifest)) != layout:
            raise BundleError(
                f"bundle {bundle.id} has features of {astuple(given)} bits (words, runs, pairs); a warm start needs "
                f"{astuple(layout)}: leave out --runs and --no-runs, or train without it"
            )
        gain = np.array([router.lexical(text)[0] for text in examples.texts])
        found = read_landmarks(bundle.arrays)
        landmarks = found and Landmarks(found.centre, found.scale, found.places, found.weights[:, :1])
        return cls(
            bundle_id=bundle.id,
            gain=gain - gain.mean(),
            mean=float(gain.mean()),
            weights=bundle.arrays["weights"][:, 0].astype(np.float64),
            intercept=float(bundle.arrays["intercepts"][0]),
            landmarks=landmarks,
        )

    def trust(self, examples: Examples, rows: NDArray[np.intp]) -> float:
        """How much of the bundle's expectation holds here: a slope in [0, 1], shrunk towards 0.

        Args:
            examples: Some of those asked for.
            rows: Which of them, shape (examples.n,).
        """
        gain = self.gain[rows] - self.gain[rows].mean()
        scatter = float(gain @ gain)
        typical = float(self.gain @ self.gain) / self.gain.size
        slope = float(gain @ examples.uplift) / max(1e-12, scatter + _PRIOR_WEIGHT * typical)
        return min(1.0, max(0.0, slope))

    def expect(self, examples: Examples, rows: NDArray[np.intp]) -> Floats:
        """What is expected of all texts, as far as some of them support it, shape (n,)."""
        return self.trust(examples, rows) * self.gain
