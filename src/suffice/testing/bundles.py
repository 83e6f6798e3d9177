"""Small bundles for tests: one whose model is known by heart, and one that scores at random, but always alike."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from suffice.estimators.bundle import Bundle, Manifest, load, save
from suffice.estimators.calibrators import Platt
from suffice.estimators.lexical import KIND, Layout, Trained
from suffice.estimators.lexical.surface import SURFACE
from suffice.estimators.lexical.words import word_bucket
from suffice.testing.settings import LARGE_MODEL, SMALL_MODEL

LAYOUT = Layout(word_bits=12, run_bits=12, pair_bits=10)


def write_bundle(
    path: Path, words: Mapping[str, float], *, models: Sequence[str] = ("small", "large"), **manifest: Any
) -> Bundle:
    """Write a bundle whose complexity rises with the words of a text.

    Args:
        path: The file.
        words: What each word adds to the expected gain, divided by the root of the number of words; p_ok of every
            model falls by as much. A text without these words is in the middle of the scale.
        models: Cheapest first.
        manifest: Further fields of the manifest.

    Returns:
        The bundle as it is read.
    """
    n = len(models)
    weights = np.zeros((LAYOUT.n_columns, n + 1))
    for word, gain in words.items():
        weights[word_bucket(word.encode(), LAYOUT)] = [gain, *[-gain] * n]
    trained = Trained(
        layout=LAYOUT,
        weights=weights,
        intercepts=np.zeros(n + 1),
        reference=np.linspace(-1, 1, 101),
        typical=np.zeros(len(SURFACE)),
        calibrators=[Platt(4.0, 0.5 + index) for index in range(n)],
    )
    stated = Manifest(
        kind=KIND, models=tuple(models), created="2026-11-23", parameters=trained.to_parameters(), **manifest
    )
    save(path, stated, trained.to_arrays())
    return load(path)


def write_random_bundle(
    path: Path,
    *,
    seed: int = 5,
    models: Sequence[str] = (SMALL_MODEL, LARGE_MODEL),
    generic: bool = False,
    thresholds: Mapping[str, float] | None = None,
) -> Bundle:
    """Write a bundle as training would, in place of the one that may be there.

    Args:
        path: The file.
        seed: Of its weights; another seed gives the same text another complexity.
        models: What it says that it was trained for, cheapest first.
        generic: What it says of its outcomes.
        thresholds: By name; None: it was not calibrated.
    """
    rng = np.random.default_rng(seed)
    n = len(models)
    trained = Trained(
        layout=LAYOUT,
        weights=rng.normal(scale=0.05, size=(LAYOUT.n_columns, n + 1)),
        intercepts=np.array([0.1, *(0.6 + 0.1 * index for index in range(n))]),
        reference=np.linspace(-0.5, 0.5, 101),
        typical=np.ones(len(SURFACE)),
        calibrators=[Platt(2.0 + index, 0.1 * index) for index in range(n)],
    )
    manifest = Manifest(
        kind=KIND,
        models=tuple(models),
        created="2026-11-23",
        metrics={"apgr": 0.7},
        thresholds=thresholds or {},
        parameters=trained.to_parameters(),
        generic=generic,
    )
    return save(path, manifest, trained.to_arrays())
