"""What a bundle says of itself."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite

import msgspec

from suffice import __version__
from suffice.vocabulary import FEATURES_VERSION, MAX_COMPLEXITY

SCHEMA_VERSION = 1
"""Raised whenever a program of before could misread what is written now."""

THRESHOLD_NAMES = ("quality", "balanced", "cheap")
"""Named thresholds, the one that sends least to the first tier first."""

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayEntry:
    """One array, as the manifest knows it."""

    dtype: str
    """As numpy names it, such as `float32`."""
    shape: tuple[int, ...]
    sha256: str
    """Of its bytes, little-endian, rows first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSource:
    """One set of outcomes that the bundle was trained on."""

    name: str
    sha256: str
    """Of what was read of it."""
    n_queries: int
    licence: str
    """SPDX identifier, or `own` for the operator's records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a bundle says of itself; `save` fills in `arrays`.

    Raises:
        ValueError: A field holds what makes no sense.
    """

    kind: str
    """Which model the arrays make: `lexical`."""
    models: Sequence[str]
    """Models that were compared, as the outcomes name them, one or more, cheapest first."""
    created: str
    """Day of training in ISO 8601, such as 2026-11-23."""
    sources: Sequence[TrainingSource] = ()
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    """Figures measured on data that did not train it, by name."""
    thresholds: Mapping[str, float] = field(default_factory=dict[str, float])
    """Highest complexity of the first tier, in [0, 10], by name of `THRESHOLD_NAMES`; empty: not calibrated."""
    parameters: Mapping[str, int] = field(default_factory=dict[str, int])
    """Whole numbers that the kind of model needs besides its arrays."""
    generic: bool = False
    """Trained on public outcomes, not on the operator's own: for observing only."""
    suffice_version: str = __version__
    """Program that wrote it."""
    features_version: int = FEATURES_VERSION
    schema_version: int = SCHEMA_VERSION
    arrays: Mapping[str, ArrayEntry] = field(default_factory=dict[str, ArrayEntry])

    def __post_init__(self) -> None:
        """Check every field that has a rule."""
        if not _NAME.fullmatch(self.kind):
            raise ValueError(f"kind {self.kind!r} is no name")
        if not self.models or len(set(self.models)) < len(self.models) or not all(self.models):
            raise ValueError(f"models {list(self.models)} must be one or more different names")
        dt.date.fromisoformat(self.created)
        for name, value in self.metrics.items():
            if not isfinite(value):
                raise ValueError(f"metrics.{name} is {value}; leave out what could not be measured")
        _check_thresholds(self.thresholds)
        _check_digests(self)


def encode(manifest: Manifest) -> bytes:
    """The manifest as JSON, its keys sorted, so that equal manifests are equal bytes."""
    return msgspec.json.encode(manifest, order="sorted")


def decode(raw: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ValueError: It is of another version, or no manifest.
    """
    versions = msgspec.json.decode(raw, type=_Versions)
    if versions.schema_version != SCHEMA_VERSION:
        raise ValueError(_refuse_version("schema", versions.schema_version, SCHEMA_VERSION, versions.suffice_version))
    if versions.features_version != FEATURES_VERSION:
        raise ValueError(
            _refuse_version("features", versions.features_version, FEATURES_VERSION, versions.suffice_version)
        )
    return msgspec.json.decode(raw, type=Manifest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Versions:
    """The part that every version of the form has."""

    schema_version: int
    features_version: int
    suffice_version: str


def _refuse_version(what: str, found: int, known: int, writer: str) -> str:
    way_out = f"install suffice {writer} or newer" if found > known else "train it again with this program"
    return f"its {what} version is {found} (suffice {writer}), and suffice {__version__} reads {known}: {way_out}"


def _check_thresholds(thresholds: Mapping[str, float]) -> None:
    unknown = sorted(set(thresholds) - set(THRESHOLD_NAMES))
    if unknown:
        raise ValueError(f"thresholds {unknown} are none of {', '.join(THRESHOLD_NAMES)}")
    rising = [thresholds[name] for name in THRESHOLD_NAMES if name in thresholds]
    if not all(0.0 <= value <= MAX_COMPLEXITY for value in rising) or any(a > b for a, b in pairwise(rising)):
        raise ValueError(f"thresholds {dict(thresholds)} must be within [0, 10], quality <= balanced <= cheap")


def _check_digests(manifest: Manifest) -> None:
    for name, entry in manifest.arrays.items():
        if not _NAME.fullmatch(name) or not _DIGEST.fullmatch(entry.sha256):
            raise ValueError(f"arrays.{name!s:.64} has no proper name or checksum")
    for source in manifest.sources:
        if not _DIGEST.fullmatch(source.sha256) or source.n_queries < 0 or not source.licence:
            raise ValueError(f"source {source.name!r} needs a SHA-256, a number of queries and a licence")
