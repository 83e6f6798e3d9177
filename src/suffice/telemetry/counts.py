"""Numbers that are counted on the way of every request: plain ones, belonging to one event loop and shown when asked.

The Prometheus client's own counters lock for each step, since threads may share them; here none does, and that takes
a tenth of the time. Plain numbers can also be sent to another process, and those of several workers add up.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString  # pyright: ignore[reportUnknownVariableType] - it is not typed

Labels = tuple[str, ...]
"""Values of a metric's labels, in the order of their names."""


class Spread(msgspec.Struct, gc=False):
    """How values lie among bounds."""

    bounds: Sequence[float]
    """Rising; the last one is infinite."""
    counts: list[int]
    """Values up to each bound and above the one before."""
    total: float = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All numbers at one moment, to be sent to another process and added to its own."""

    counters: Mapping[str, Sequence[tuple[Labels, float]]] = {}
    """By metric."""
    histograms: Mapping[str, Sequence[tuple[Labels, Sequence[int], float]]] = {}
    """By metric: counts for each bound, and the sum of the values."""


class Counter(dict[Labels, float]):
    """A number by label values that only rises, as `counter[labels] += 1`."""

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        """Say how it is shown; the name stands without `_total`."""
        super().__init__()
        self.name = name
        self._text = text
        self._labels = labels

    def __missing__(self, labels: Labels) -> float:
        return 0.0

    def add(self, rows: Iterable[tuple[Labels, float]]) -> None:
        """Add the numbers of another one."""
        for labels, number in rows:
            self[labels] += number

    def show(self) -> Metric:
        """As a metric of Prometheus."""
        family = CounterMetricFamily(self.name, self._text, labels=self._labels)
        for labels, number in self.items():
            family.add_metric(labels, number)
        return family

    def blank(self) -> "Counter":
        """One like this without numbers."""
        return Counter(self.name, self._text, self._labels)


class Histogram(dict[Labels, Spread]):
    """Spreads by label values, as `histogram[labels].observe(value)`."""

    def __init__(self, name: str, text: str, bounds: Sequence[float], labels: Sequence[str]) -> None:
        """Say how it is shown; infinity need not stand among the bounds."""
        super().__init__()
        self.name = name
        self._text = text
        self._bounds = (*bounds, float("inf"))
        self._labels = labels

    def __missing__(self, labels: Labels) -> Spread:
        spread = self[labels] = Spread(self._bounds, [0] * len(self._bounds))
        return spread

    def add(self, rows: Iterable[tuple[Labels, Sequence[int], float]]) -> None:
        """Add the numbers of another one with the same bounds."""
        for labels, counts, total in rows:
            spread = self[labels]
            spread.counts[:] = [own + other for own, other in zip(spread.counts, counts, strict=True)]
            spread.total += total

    def show(self) -> Metric:
        """As a metric of Prometheus."""
        family = HistogramMetricFamily(self.name, self._text, labels=self._labels)
        names = [floatToGoString(bound) for bound in self._bounds]
        for labels, spread in self.items():
            below = 0
            buckets: list[tuple[str, float]] = []
            for name, count in zip(names, spread.counts, strict=True):
                below += count
                buckets.append((name, below))
            family.add_metric(labels, buckets, spread.total)
        return family

    def blank(self) -> "Histogram":
        """One like this without numbers."""
        return Histogram(self.name, self._text, self._bounds[:-1], self._labels)


class Counts(Collector):
    """The counters and histograms of a process."""

    def __init__(self, metrics: Iterable[Counter | Histogram] = ()) -> None:
        """Begin with some."""
        self._metrics = list(metrics)

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """Make a counter; its name stands without `_total`."""
        made = Counter(name, text, labels)
        self._metrics.append(made)
        return made

    def histogram(self, name: str, text: str, bounds: Sequence[float], *labels: str) -> Histogram:
        """Make a histogram."""
        made = Histogram(name, text, bounds, labels)
        self._metrics.append(made)
        return made

    def snapshot(self) -> Snapshot:
        """All numbers as they are now."""
        return Snapshot(
            counters={each.name: list(each.items()) for each in self._metrics if isinstance(each, Counter)},
            histograms={
                each.name: [(labels, list(spread.counts), spread.total) for labels, spread in each.items()]
                for each in self._metrics
                if isinstance(each, Histogram)
            },
        )

    def merged(self, snapshots: Iterable[Snapshot]) -> "Counts":
        """The same metrics with the sums of snapshots; what these have besides is left out."""
        merged = Counts(each.blank() for each in self._metrics)
        for snapshot in snapshots:
            merged.add(snapshot)
        return merged

    def add(self, snapshot: Snapshot) -> None:
        """Add the numbers of a snapshot; of metrics that are not here it is left out."""
        for each in self._metrics:
            if isinstance(each, Counter):
                each.add(snapshot.counters.get(each.name, ()))
            else:
                each.add(snapshot.histograms.get(each.name, ()))

    def collect(self) -> Iterable[Metric]:
        """All of them, for Prometheus."""
        return [each.show() for each in self._metrics]
