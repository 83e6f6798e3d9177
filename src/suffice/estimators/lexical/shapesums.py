"""What a text's shape adds to the outputs, for one text at a time, with what can be done beforehand done."""

from math import sqrt
from operator import add

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical.landmarks import MAX_DISTANCE, Landmarks
from suffice.estimators.lexical.shapes import join_shape
from suffice.estimators.lexical.surface import MAX_COUNT, SURFACE
from suffice.estimators.lexical.wordkinds import KINDS, OPENINGS

NO_OPENING = len(OPENINGS)
"""In place of an opening where the first word is none."""

_MAX_MEASURE = sqrt(MAX_COUNT)
"""Kinds are counts of words over the root of how many there are; the surface stays far below."""

_MAX_SQUARE = 1_000.0
"""Of a landmark's distance from the centre: up to here rounding makes no likeness greater than 1.1."""

_MANY_WORDS = 512
"""Different words of a text up to which its scale is at hand."""


class ShapeSums:
    """Intercepts, the weights of opening and surface, and likeness to landmarks. Not thread-safe: buffers are kept."""

    def __init__(
        self,
        intercepts: NDArray[np.float64],
        openings: NDArray[np.floating],
        surface: NDArray[np.floating],
        landmarks: Landmarks | None,
    ) -> None:
        """Take the weights.

        Args:
            intercepts: Shape (n_outputs,).
            openings: Shape (len(OPENINGS), n_outputs).
            surface: Shape (len(SURFACE), n_outputs).
            landmarks: None: likeness adds nothing.
        """
        self.surface = np.zeros(len(SURFACE), dtype=np.float32)
        """Where a text's surface measures are to be written before `add_up` is called."""
        self._starts: list[list[float]] = np.vstack([openings + intercepts, intercepts]).tolist()
        # Trained models leave the surface to their landmarks.
        self._surface_weights = surface.astype(np.float64) if surface.any() else None
        self._likeness: _Likeness | _AnyLikeness | None = None
        if landmarks is not None:
            self._likeness = _Likeness(landmarks) if _Likeness.suits(landmarks) else _AnyLikeness(landmarks)
            self.surface = self._likeness.surface

    def add_up(self, kinds: NDArray[np.uint8], n_words: int, opening: int) -> list[float]:
        """What the shape adds to each output.

        Args:
            kinds: How many words are of each kind, shape (len(KINDS),); read only where there are landmarks.
            n_words: Different words in the text.
            opening: Place of the first word among the openings, or `NO_OPENING`.
        """
        outputs = self._starts[opening]
        if self._surface_weights is not None:
            outputs = (self.surface @ self._surface_weights + outputs).tolist()
        if self._likeness is not None:
            return list(map(add, outputs, self._likeness.add_up(kinds, n_words, opening)))
        return outputs


class _Likeness:
    """Likeness to landmarks by one product of a vector and a matrix.

    -|s - p|^2 = 2 s.p - |p|^2 - |s|^2, where s is the scaled shape. What the opening contributes to it is one of 23
    rows; the other measures, and |s|^2, are multiplied.
    """

    def __init__(self, landmarks: Landmarks) -> None:
        n_kinds, n_surface = len(KINDS), len(SURFACE)
        opening = slice(n_kinds, n_kinds + len(OPENINGS))
        places = landmarks.places.astype(np.float64)
        self._scale = np.delete(landmarks.scale, opening)
        self._shift = -np.delete(landmarks.centre, opening) * self._scale
        self._scales = [self._scale_by(n_words) for n_words in range(_MANY_WORDS)]
        directions = np.vstack([2 * np.delete(places, opening, axis=1).T, np.full(places.shape[0], -1.0)])
        self._directions = directions.astype(np.float32)
        # One shape for each opening, and one without.
        openings = (np.eye(NO_OPENING + 1, NO_OPENING) - landmarks.centre[opening]) * landmarks.scale[opening]
        offsets = 2 * openings @ places[:, opening].T - (openings**2).sum(axis=1)[:, None] - (places**2).sum(axis=1)
        self._offsets = list(offsets.astype(np.float32))
        self._weights = np.ascontiguousarray(landmarks.weights.T)
        self._buffer = np.zeros(n_kinds + n_surface + 1, dtype=np.float32)
        self._scaled = self._buffer[:-1]
        self._kinds = self._buffer[:n_kinds]
        self.surface = self._scaled[n_kinds:]

    @staticmethod
    def suits(landmarks: Landmarks) -> bool:
        """Whether nothing need be cut: no text's scaled shape leaves `MAX_DISTANCE`, and rounding is harmless."""
        reach = (np.abs(landmarks.centre.astype(np.float64)) + _MAX_MEASURE) * np.abs(landmarks.scale)
        squares = (landmarks.places.astype(np.float64) ** 2).sum(axis=1)
        return bool(np.all(reach <= MAX_DISTANCE) and np.all(squares <= _MAX_SQUARE))

    def _scale_by(self, n_words: int) -> NDArray[np.float32]:
        """The scale for kinds that are not yet divided by the root of the number of words."""
        scale = self._scale.copy()
        scale[: len(KINDS)] /= sqrt(max(1, n_words))
        return scale

    def add_up(self, kinds: NDArray[np.uint8], n_words: int, opening: int) -> list[float]:
        scale = self._scales[n_words] if n_words < _MANY_WORDS else self._scale_by(n_words)
        scaled = self._scaled
        self._kinds[:] = kinds
        # With operators these would take half as long again.
        np.multiply(scaled, scale, scaled)
        np.add(scaled, self._shift, scaled)
        self._buffer[-1] = scaled.dot(scaled)
        exponents = self._buffer.dot(self._directions)
        np.add(exponents, self._offsets[opening], exponents)
        return self._weights.dot(np.exp(exponents, exponents)).tolist()


class _AnyLikeness:
    """Likeness to landmarks however far away."""

    def __init__(self, landmarks: Landmarks) -> None:
        self._landmarks = landmarks
        self.surface = np.zeros(len(SURFACE), dtype=np.float32)

    def add_up(self, kinds: NDArray[np.uint8], n_words: int, opening: int) -> list[float]:
        shape = join_shape(self.surface, kinds / sqrt(max(1, n_words)), None if opening == NO_OPENING else opening)
        return (self._landmarks.likeness(shape[None])[0] @ self._landmarks.weights).tolist()
