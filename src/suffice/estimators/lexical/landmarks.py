"""How a text's shape (kinds of words, opening, surface) moves the outputs: by its likeness to shapes seen in training.

Lengths and marks do not act in straight lines: a page of formulas is not simply more of one formula. Far from every
landmark the likeness is 0, so that a text of a shape never seen is judged by its words alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_LANDMARKS = 1_024
"""More would take longer than all the words of a text."""

MAX_DISTANCE = 1e4
"""Of a scaled shape from a landmark; far beyond it lies nothing but likeness 0, and squares of it stay finite."""


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Outputs = weights.T @ exp(-|(shape - centre) * scale - place|^2), over m landmarks.

    Raises:
        ValueError: The arrays do not fit together, or there are more than `MAX_LANDMARKS`.

    Source:
        Williams and Seeger 2001, "Using the Nystroem method to speed up kernel machines".
    """

    centre: NDArray[np.float32]
    """Shape (n_measures,)."""
    scale: NDArray[np.float32]
    """What makes the measures comparable, shape (n_measures,)."""
    places: NDArray[np.float32]
    """The landmarks, centred and scaled, shape (m, n_measures)."""
    weights: NDArray[np.float32]
    """Shape (m, n_outputs)."""

    def __post_init__(self) -> None:
        """Check that all of it fits together."""
        if self.places.ndim != 2 or self.weights.ndim != 2:
            raise ValueError(f"landmarks need two rows of numbers; got {self.places.shape} and {self.weights.shape}")
        m, n_measures = self.places.shape
        if not 1 <= m <= MAX_LANDMARKS or self.weights.shape[0] != m:
            raise ValueError(f"need 1 to {MAX_LANDMARKS} landmarks, a row of weights each; got {m}")
        if self.centre.shape != (n_measures,) or self.scale.shape != (n_measures,):
            raise ValueError(f"landmarks of {n_measures} measures, but centre and scale of {self.centre.shape}")
        if not bool(np.all(np.abs(self.places) <= MAX_DISTANCE)):
            raise ValueError(f"a landmark is further than {MAX_DISTANCE:g} from the centre")

    def likeness(self, shapes: NDArray[np.floating]) -> NDArray[np.float32]:
        """How like each landmark each shape is.

        Args:
            shapes: Shape (n, n_measures).

        Returns:
            In [0, 1], shape (n, m).
        """
        scaled = ((shapes - self.centre) * self.scale).astype(np.float32)
        np.clip(scaled, -MAX_DISTANCE, MAX_DISTANCE, out=scaled)
        exponents = scaled @ (2 * self.places.T)
        exponents -= np.einsum("ij,ij->i", scaled, scaled)[:, None]
        exponents -= np.einsum("ij,ij->i", self.places, self.places)
        return np.exp(np.minimum(exponents, 0.0, out=exponents), out=exponents)
