"""Texts as rows of numbers for a ridge regression, and its solution as the weights that are served."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical import Landmarks, Layout, SparseRows
from suffice.lab.dataset import extras
from suffice.lab.metrics import Floats

N_LANDMARKS = 512
_WORDS_SHARE = 0.7
_RUNS_SHARE = 0.7
_SHAPE_SHARE = 1.5
"""Mean square length that each block has in a row: how much it may say. The rest is chosen by cross-validation."""

_JITTER = 1e-3
_N_MEDIAN = 400
_MIN_SPREAD = 1e-3
_PURPOSE = "training"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeView:
    """How two texts' shapes are compared: one of the candidates of cross-validation."""

    kinds: float
    """Weight of the kinds of words, where that of the surface is 1."""
    openings: float
    sharpness: float
    """Likeness at the median distance of two texts is exp(-2 sharpness)."""


@dataclass(frozen=True, slots=True, eq=False)
class TextFeatures:
    """Features of n texts, in blocks."""

    layout: Layout
    whole: Any
    """Sparse matrix, shape (n, layout.n_columns)."""
    shapes: NDArray[np.float32]
    """Columns from `layout.first_kind` on, shape (n, n_measures)."""

    @classmethod
    def of(cls, rows: SparseRows, layout: Layout) -> "TextFeatures":
        """Take features as `lexical.extract` gives them."""
        sparse = extras.load("scipy.sparse", purpose=_PURPOSE)
        whole = sparse.csr_array((rows.values, rows.columns, rows.starts), shape=(rows.starts.size - 1, rows.n_columns))
        return cls(layout, whole, whole[:, layout.first_kind :].toarray().astype(np.float32))

    def take(self, rows: NDArray[np.intp]) -> "TextFeatures":
        """Those of some texts."""
        return TextFeatures(self.layout, self.whole[rows], self.shapes[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Scales and landmarks, fixed by the texts trained on; makes rows of any text."""

    layout: Layout
    scale: NDArray[np.float32]
    """Of the columns before `layout.first_kind`: rare words say more, shape (first_kind,)."""
    landmarks: Landmarks
    """Without weights yet."""
    root: Floats
    """What makes likenesses uncorrelated, shape (m, m)."""

    @classmethod
    def fit(cls, features: TextFeatures, view: ShapeView | Landmarks, *, seed: int = 0) -> "Design":
        """Fix scales and landmarks.

        Args:
            features: Of the texts trained on.
            view: How shapes are compared; or the landmarks of a model that is to be added to.
            seed: Of the choice of landmarks.

        Columns are weighted by log((1 + n) / (1 + n_with)) + 1.

        Source:
            Spaerck Jones 1972, "A statistical interpretation of term specificity"; Williams and Seeger 2001.
        """
        layout, n = features.layout, features.whole.shape[0]
        lexical = features.whole[:, : layout.first_kind]
        n_with = np.bincount(lexical.indices, minlength=layout.first_kind)
        scale = (np.log((1 + n) / (1 + n_with)) + 1).astype(np.float32)
        squares = np.bincount(lexical.indices, (lexical.data * scale[lexical.indices]) ** 2, layout.first_kind)
        blocks = ((0, layout.first_run, _WORDS_SHARE), (layout.first_run, None, _RUNS_SHARE))
        if not layout.run_bits:
            blocks = ((0, None, _WORDS_SHARE + _RUNS_SHARE),)
        for first, last, share in blocks:
            scale[first:last] *= np.sqrt(share * n / max(1e-9, float(squares[first:last].sum())))
        if isinstance(view, Landmarks):
            landmarks = view
        else:
            landmarks = _place_landmarks(features.shapes, layout, view, np.random.default_rng(seed))
        return cls(layout, scale, landmarks, _whiten(landmarks))

    def rows(self, features: TextFeatures) -> "Rows":
        """Rows of texts."""
        lexical = features.whole[:, : self.layout.first_kind]
        sparse = extras.load("scipy.sparse", purpose=_PURPOSE)
        dense = self.landmarks.likeness(features.shapes) @ self.root * np.sqrt(_SHAPE_SHARE)
        return Rows(lexical @ sparse.diags_array(self.scale), dense.astype(np.float32))

    def weigh(self, words: NDArray[np.floating], shapes: NDArray[np.floating]) -> tuple[NDArray[np.float32], Landmarks]:
        """Weights for the columns of the layout, and landmarks with theirs.

        Args:
            words: Weights of the scaled columns, shape (first_kind, n_outputs).
            shapes: Weights of the uncorrelated likenesses, shape (m, n_outputs).
        """
        weights = np.zeros((self.layout.n_columns, words.shape[1]), dtype=np.float32)
        weights[: self.layout.first_kind] = words * self.scale[:, None]
        of_landmarks = (self.root @ shapes * np.sqrt(_SHAPE_SHARE)).astype(np.float32)
        given = self.landmarks
        return weights, Landmarks(given.centre, given.scale, given.places, of_landmarks)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows in two blocks: sparse ones of words and dense ones of shapes."""

    words: Any
    shapes: NDArray[np.float32]

    def take(self, rows: NDArray[np.intp]) -> "Rows":
        """Some of them."""
        return Rows(self.words[rows], self.shapes[rows])

    def of_rows(self, dual: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights from one number per row, shape (n, k): X.T @ dual, by block."""
        return self.words.T @ dual, self.shapes.T @ dual

    def predict(self, weights: tuple[NDArray[np.float32], NDArray[np.float32]]) -> NDArray[np.float32]:
        """X @ weights, shape (n, k)."""
        return self.words @ weights[0] + self.shapes @ weights[1]


def _place_landmarks(
    shapes: NDArray[np.float32], layout: Layout, view: ShapeView, rng: np.random.Generator
) -> Landmarks:
    n_kinds, n_openings = layout.first_opening - layout.first_kind, layout.first_surface - layout.first_opening
    weight = np.ones(shapes.shape[1], dtype=np.float32)
    weight[:n_kinds] = view.kinds
    weight[n_kinds : n_kinds + n_openings] = view.openings
    centre = shapes.mean(axis=0)
    spread = shapes.std(axis=0)
    # A measure that hardly varies here would otherwise tell any other text from all of these.
    scale = np.where(spread < _MIN_SPREAD, 0.0, weight / np.maximum(spread, 0.05)).astype(np.float32)
    some = ((shapes[rng.permutation(shapes.shape[0])[:_N_MEDIAN]] - centre) * scale).astype(np.float64)
    distances = ((some[:, None, :] - some[None, :, :]) ** 2).sum(axis=2)
    median = float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0
    scale = (scale * np.sqrt(2 * view.sharpness / median)).astype(np.float32)
    different = np.unique((shapes - centre) * scale, axis=0)
    places = different[rng.permutation(different.shape[0])[:N_LANDMARKS]].astype(np.float32)
    return Landmarks(centre, scale, places, np.zeros((places.shape[0], 1), dtype=np.float32))


def _whiten(landmarks: Landmarks) -> Floats:
    """The root of the inverse of the landmarks' likeness to each other."""
    places = landmarks.places / np.where(landmarks.scale > 0, landmarks.scale, 1.0) + landmarks.centre
    likeness = landmarks.likeness(places).astype(np.float64)
    values, vectors = np.linalg.eigh((likeness + likeness.T) / 2 + _JITTER * np.eye(likeness.shape[0]))
    return vectors / np.sqrt(np.maximum(values, _JITTER))
