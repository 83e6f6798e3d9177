"""Small bundles that score at random, but always alike: for tests of what serves them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from suffice.estimators.bundle import Bundle, Manifest, save
from suffice.estimators.calibrators import Platt
from suffice.estimators.lexical import KIND, Layout, Trained
from suffice.estimators.lexical.surface import SURFACE
from suffice.testing.settings import LARGE_MODEL, SMALL_MODEL

_LAYOUT = Layout(word_bits=10, run_bits=12, pair_bits=10)


def write_bundle(
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
        layout=_LAYOUT,
        weights=rng.normal(scale=0.05, size=(_LAYOUT.n_columns, n + 1)),
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
