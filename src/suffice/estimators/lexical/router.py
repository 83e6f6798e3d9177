"""A lexical model with its scale and calibrators: what a bundle of kind `lexical` holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from suffice.errors import BundleError
from suffice.estimators.bundle import Bundle, Manifest
from suffice.estimators.calibrators import Calibrator, from_array
from suffice.estimators.lexical.landmarks import Landmarks
from suffice.estimators.lexical.layout import Layout
from suffice.estimators.lexical.model import Lexical
from suffice.estimators.lexical.shapes import Contribution
from suffice.estimators.lexical.surface import SURFACE
from suffice.estimators.quantiles import QuantileMap
from suffice.vocabulary import Probability

KIND = "lexical"
"""As the manifest names it."""

LEXICAL_VERSION = 1
"""Raised whenever a text might get other features, or a feature another column."""

MAX_REFERENCE = 4_096
"""Expected gains in a reference at most."""

_LANDMARKS = "landmarks."


class Rating(NamedTuple):
    """What the model says of a text."""

    complexity: float
    """In [0, 10]; rises with the expected gain of the dearest model over the cheapest."""
    p_ok: Sequence[Probability]
    """Of each model's answer, in the order of `models`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalRouter:
    """Rates texts; its first output is the expected gain, the others are each model's raw success.

    Raises:
        ValueError: Outputs, calibrators and models are not as many as they must be.
    """

    models: Sequence[str]
    """Cheapest first."""
    lexical: Lexical
    to_complexity: QuantileMap
    calibrators: Sequence[Calibrator]
    typical: NDArray[np.floating]
    """Surface measures of a typical text, shape (len(SURFACE),), for explanations."""

    def __post_init__(self) -> None:
        """Check that all of it fits together."""
        n = len(self.models)
        if self.lexical.n_outputs != n + 1 or len(self.calibrators) != n:
            raise ValueError(
                f"{n} models need {n + 1} outputs and {n} calibrators; "
                f"got {self.lexical.n_outputs} and {len(self.calibrators)}"
            )
        if self.typical.shape != (len(SURFACE),):
            raise ValueError(f"need {len(SURFACE)} typical measures; got {self.typical.shape}")

    def rate(self, text: str) -> Rating:
        """Rate a text of any kind."""
        gain, *raw = self.lexical(text)
        # They were counted when the router was made, and `strict` takes longer than a calibrator.
        p_ok = [calibrate(score) for calibrate, score in zip(self.calibrators, raw)]  # noqa: B905
        return Rating(self.to_complexity(gain), p_ok)

    def explain(self, text: str, *, n_features: int = 8) -> list[Contribution]:
        """The features that moved the expected gain most, the strongest first; upwards is towards the dearest model."""
        found = self.lexical.contributions(text, self.typical)
        return sorted(found, key=lambda each: -abs(each.value))[:n_features]


def build(bundle: Bundle) -> LexicalRouter:
    """Make the router that a bundle holds.

    Raises:
        BundleError: It is of another kind, of another version, or its arrays do not fit together.
    """
    manifest = bundle.manifest
    version = manifest.parameters.get("lexical_version")
    if manifest.kind != KIND or version != LEXICAL_VERSION:
        raise BundleError(
            f"bundle {bundle.id} holds a model of kind {manifest.kind!r}, version {version}, and this program knows "
            f"{KIND!r}, version {LEXICAL_VERSION}; train it again, or install the suffice that wrote it "
            f"({manifest.suffice_version})"
        )
    try:
        return _build(bundle)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"bundle {bundle.id} cannot be used: {error}; train it again") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What training makes, before it goes into a bundle."""

    layout: Layout
    weights: NDArray[np.floating]
    """Shape (layout.n_columns, n_models + 1); kept as 16-bit floats, so calibrate on what these give."""
    intercepts: NDArray[np.floating]
    """Shape (n_models + 1,)."""
    reference: NDArray[np.floating]
    """Expected gains of typical texts, over whose ranks complexity is spread; 4,096 at most."""
    typical: NDArray[np.floating]
    """Mean surface measures of the texts trained on."""
    calibrators: Sequence[Calibrator]
    """One for each model."""
    landmarks: Landmarks | None = None
    """What the shape of a text adds to the outputs; None: nothing."""
    vocabulary: Sequence[bytes] = ()
    """Words to know from the start, the most frequent ones, 32,768 at most. They can be read in the bundle: take none
    that only one or two of the texts have."""

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays of a bundle of this kind."""
        return {
            "weights": self.weights.astype(np.float16),
            "intercepts": self.intercepts.astype(np.float64),
            "reference": np.sort(self.reference.astype(np.float64)),
            "typical": self.typical.astype(np.float64),
            "vocabulary": np.frombuffer(b" ".join(self.vocabulary), dtype=np.uint8),
            **{f"calibrator.{index}": calibrator.to_array() for index, calibrator in enumerate(self.calibrators)},
            **_landmark_arrays(self.landmarks),
        }

    def to_parameters(self) -> Mapping[str, int]:
        """What the manifest of a bundle of this kind says besides."""
        return {
            "lexical_version": LEXICAL_VERSION,
            "word_bits": self.layout.word_bits,
            "run_bits": self.layout.run_bits,
            "pair_bits": self.layout.pair_bits,
        }


def _build(bundle: Bundle) -> LexicalRouter:
    arrays, models = bundle.arrays, bundle.manifest.models
    if "vocabulary" not in arrays or arrays["vocabulary"].dtype != np.uint8:
        raise ValueError("it has no array 'vocabulary' of bytes")
    vocabulary = arrays["vocabulary"].tobytes().split()
    layout = layout_of(bundle.manifest)
    reference = _floats(arrays, "reference")
    if reference.ndim != 1 or reference.size > MAX_REFERENCE:
        raise ValueError(f"reference has shape {reference.shape}; need (n,), n <= {MAX_REFERENCE}")
    return LexicalRouter(
        models=models,
        lexical=Lexical(
            _floats(arrays, "weights"), _floats(arrays, "intercepts"), layout, vocabulary, read_landmarks(arrays)
        ),
        to_complexity=QuantileMap(reference.tolist()),
        typical=_floats(arrays, "typical"),
        calibrators=[from_array(_floats(arrays, f"calibrator.{index}")) for index in range(len(models))],
    )


def layout_of(manifest: Manifest) -> Layout:
    """Which column is which feature in a bundle of this kind.

    Raises:
        KeyError: The manifest does not say.
        ValueError: There is no such layout.
    """
    return Layout(*(manifest.parameters[name] for name in ("word_bits", "run_bits", "pair_bits")))


def read_landmarks(arrays: Mapping[str, NDArray[np.generic]]) -> Landmarks | None:
    """The landmarks among a bundle's arrays, if it has any.

    Raises:
        ValueError: Some of their arrays are missing, or do not fit together.
    """
    if not any(name.startswith(_LANDMARKS) for name in arrays):
        return None
    parts = {each.name: _floats(arrays, f"{_LANDMARKS}{each.name}") for each in fields(Landmarks)}
    return Landmarks(**{name: part.astype(np.float32) for name, part in parts.items()})


def _landmark_arrays(landmarks: Landmarks | None) -> dict[str, NDArray[np.generic]]:
    if landmarks is None:
        return {}
    return {f"{_LANDMARKS}{each.name}": getattr(landmarks, each.name) for each in fields(Landmarks)}


def _floats(arrays: Mapping[str, NDArray[np.generic]], name: str) -> NDArray[np.floating]:
    if name not in arrays:
        raise ValueError(f"it has no array {name!r}")
    array = arrays[name]
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"its array {name!r} has dtype {array.dtype}, not one of floats")
    return cast("NDArray[np.floating]", array)
