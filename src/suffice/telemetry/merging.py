"""Pages of metrics of several workers as one: sums, but for what says how something is."""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

_MERGED: dict[str, Callable[[Iterable[float]], float]] = {
    "suffice_build_info": max,
    "suffice_bundle_info": max,
    "suffice_replica_healthy": min,
    "suffice_replica_latency_seconds": max,
    "process_start_time_seconds": min,
    "process_max_fds": min,
}
"""What is no sum: the same everywhere, or as bad as the worst worker sees it."""

_COUNTED = frozenset({"counter", "histogram"})

_Key = tuple[str, tuple[tuple[str, str], ...]]


def merge_pages(pages: Sequence[bytes]) -> bytes:
    """One page of metrics of those of several workers.

    Args:
        pages: In Prometheus' text form, each as `Telemetry.render` makes it.
    """
    return _write(_merge_all(pages))


def keep_counts(pages: Sequence[bytes]) -> bytes:
    """What only rises, of several pages: that of workers that are no more goes on counting."""
    return _write([family for family in _merge_all(pages) if family.type in _COUNTED])


def _merge_all(pages: Sequence[bytes]) -> list[Metric]:
    families: dict[str, Metric] = {}
    values: dict[str, dict[_Key, list[float]]] = {}
    for page in pages:
        for family in text_string_to_metric_families(page.decode()):
            families.setdefault(family.name, family)
            found = values.setdefault(family.name, {})
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                found.setdefault(key, []).append(sample.value)
    return [_merge(families[name], found) for name, found in values.items()]


def _merge(family: Metric, values: dict[_Key, list[float]]) -> Metric:
    merged = Metric(family.name, family.documentation, family.type)
    combine = _MERGED.get(family.name, sum)
    merged.samples = [Sample(name, dict(labels), combine(each)) for (name, labels), each in values.items()]
    return merged


def _write(families: list[Metric]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Fixed(families))
    return generate_latest(registry)


class _Fixed(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
