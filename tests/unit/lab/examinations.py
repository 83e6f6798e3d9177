"""An examination of a known bundle on drawn outcomes."""

from pathlib import Path
from typing import Any

from suffice.estimators.bundle import Bundle
from suffice.lab.dataset import Dataset, Outcome, Query
from suffice.lab.examination import Examination, examine
from suffice.lab.metrics import Plan
from suffice.lab.trial import Trial, prepare
from suffice.testing.bundles import write_bundle
from suffice.testing.datasets import draw_rows

N = 120


def make_bundle(folder: Path, **options: Any) -> Bundle:
    return write_bundle(folder / "bundle", {"prove": 2.0, "list": -2.0}, **options)


def make_trial(
    *, pair: tuple[str, str] = ("small", "large"), prompts: dict[int, str] | None = None, **changes: Any
) -> Trial:
    """Drawn outcomes; `prompts` are put in the place of drawn ones, `changes` into every query."""
    queries, outcomes = draw_rows(N)
    for index, prompt in (prompts or {}).items():
        queries[index]["prompt"] = prompt
    for row in queries:
        row.update(changes)
    dataset = Dataset.of([Query(**row) for row in queries], [Outcome(**row) for row in outcomes])
    return prepare(dataset, *pair)


def make_examination(folder: Path, trial: Trial | None = None, **options: Any) -> Examination:
    bundle = make_bundle(folder, **options)
    return examine(bundle, trial or make_trial(), Plan(n_resamples=40), fallback_threshold=4.0)
