"""Each category of requests on its own: what the models make of it, and where the router sends it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from suffice.lab.intervals import Interval
from suffice.lab.metrics import Floats, PairedScores, Resamples
from suffice.lab.metrics.bootstrap import LEVEL

_FIGURES = ("small", "large", "gain", "share", "score")


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRow:
    """One category."""

    name: str
    n: int
    small: Interval
    """Mean score of the small model."""
    large: Interval
    gain: Interval
    """Of the large model over the small one."""
    share: Interval
    """Of its requests, to the large model."""
    score: Interval
    """Mean score of the answers that the router takes."""

    def document(self) -> dict[str, object]:
        """For machines."""
        document: dict[str, object] = {"category": self.name, "n": self.n, "n_groups": self.small.n_groups}
        named = {"share": "share_to_large"}
        for name in _FIGURES:
            document |= getattr(self, name).document(named.get(name, name))
        return document


def measure_categories(
    categories: Sequence[str], to_large: Floats, scores: PairedScores, resamples: Resamples, *, level: float = LEVEL
) -> list[CategoryRow]:
    """Measure every category, the largest first.

    Args:
        categories: Of n requests.
        to_large: 1.0 where the request goes to the large model, else 0.0, shape (n,).
        scores: Of the same requests.
        resamples: Of the same requests.
        level: Coverage of the intervals.
    """
    names, category_of = np.unique(np.asarray(categories), return_inverse=True)
    routed = np.where(to_large > 0, scores.large, scores.small)
    columns = dict(zip(_FIGURES, (scores.small, scores.large, scores.uplift, to_large, routed), strict=True))

    def compute(weights: Floats) -> dict[tuple[str, int], float]:
        mass = np.bincount(category_of, weights=weights, minlength=names.size)
        with np.errstate(invalid="ignore"):
            means = {
                name: (np.bincount(category_of, weights=weights * column, minlength=names.size) / mass).tolist()
                for name, column in columns.items()
            }
        return {(name, index): value for name, values in means.items() for index, value in enumerate(values)}

    figures = resamples.measure(compute)
    rows: list[CategoryRow] = []
    for index in np.argsort(-np.bincount(category_of), kind="stable").tolist():
        of_category = category_of == index
        n, n_groups = int(of_category.sum()), len(set(resamples.group_of[of_category].tolist()))
        told = {name: _own(figures[name, index].interval(level), n, n_groups) for name in _FIGURES}
        rows.append(CategoryRow(name=str(names[index]), n=n, **told))
    return rows


def _own(interval: Interval, n: int, n_groups: int) -> Interval:
    """The interval with the category's own counts; one group alone has none."""
    if n_groups > 1:
        return replace(interval, n=n, n_groups=n_groups)
    return replace(interval, n=n, n_groups=n_groups, low=float("nan"), high=float("nan"))
