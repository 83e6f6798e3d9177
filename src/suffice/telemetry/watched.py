"""What is read at the moment of scraping: in what state the gateway's parts are."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from suffice import __version__
from suffice.vocabulary import HealthState, ReplicaState, TierState


class RecorderFigures(Protocol):
    """What a recorder counts; `recording.RecorderCounts` is one."""

    @property
    def written(self) -> int:
        """Records written."""
        ...

    @property
    def dropped(self) -> int:
        """Records lost."""
        ...

    @property
    def failed(self) -> int:
        """Transactions that failed."""
        ...

    @property
    def queued(self) -> int:
        """Records waiting."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleState:
    """Which bundle is in force."""

    id: str
    generic: bool


class Watched(Collector):
    """Collects what is read at the moment of scraping."""

    def __init__(self) -> None:
        self.in_flight: Callable[[], int] | None = None
        self.recorder: Callable[[], RecorderFigures] | None = None
        self.replicas: Callable[[], Sequence[TierState]] | None = None
        self.bundle: Callable[[], BundleState | None] | None = None

    def collect(self) -> Iterable[Metric]:
        """Read everything."""
        build = GaugeMetricFamily("suffice_build_info", "The running version; always 1.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        if self.in_flight is not None:
            yield GaugeMetricFamily("suffice_requests_in_flight", "Requests being served.", value=self.in_flight())
        if self.recorder is not None:
            yield from _recorder_metrics(self.recorder())
        if self.replicas is not None:
            yield from _tier_metrics(self.replicas())
        if self.bundle is not None and (state := self.bundle()) is not None:
            labels = ["bundle", "generic"]
            bundle = GaugeMetricFamily("suffice_bundle_info", "The bundle in force; always 1.", labels=labels)
            bundle.add_metric([state.id, str(state.generic).lower()], 1)
            yield bundle


def recorder_page(figures: RecorderFigures) -> bytes:
    """What a recorder counts as a page of its own, for a process that serves nothing."""
    registry = CollectorRegistry()
    watched = Watched()
    watched.recorder = lambda: figures
    registry.register(watched)
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _recorder_metrics(figures: RecorderFigures) -> Iterable[Metric]:
    yield GaugeMetricFamily("suffice_recorder_queue_records", "Records waiting to be written.", value=figures.queued)
    yield CounterMetricFamily("suffice_recorder_written", "Records written.", value=figures.written)
    yield CounterMetricFamily("suffice_recorder_dropped", "Records lost, the requests served.", value=figures.dropped)
    yield CounterMetricFamily("suffice_recorder_failures", "Transactions that failed.", value=figures.failed)


def _tier_metrics(tiers: Sequence[TierState]) -> Iterable[Metric]:
    for make, name, text, read in _OF_REPLICAS:
        family = make(name, text, labels=["tier", "replica"])
        for tier in tiers:
            for replica in tier.replicas:
                family.add_metric([tier.tier, replica.replica], read(replica))
        yield family
    for make, name, text, read in _OF_TIERS:
        family = make(name, text, labels=["tier"])
        for tier in tiers:
            family.add_metric([tier.tier], read(tier))
        yield family
    shed = CounterMetricFamily(
        "suffice_shed", "Calls not made for want of room at the replicas.", labels=["tier", "reason", "priority"]
    )
    for tier in tiers:
        for (reason, priority), n in tier.n_shed.items():
            shed.add_metric([tier.tier, reason, priority.name.lower()], n)
    yield shed


_Family = type[GaugeMetricFamily] | type[CounterMetricFamily]

_OF_REPLICAS: tuple[tuple[_Family, str, str, Callable[[ReplicaState], float]], ...] = (
    (
        GaugeMetricFamily,
        "suffice_replica_healthy",
        "1: in service; 0: left out, or on trial.",
        lambda state: state.health is HealthState.HEALTHY,
    ),
    (
        GaugeMetricFamily,
        "suffice_replica_calls_in_flight",
        "Calls open to the replica.",
        lambda state: state.in_flight,
    ),
    (
        GaugeMetricFamily,
        "suffice_replica_latency_seconds",
        "Moving average of the time to the first byte.",
        lambda state: state.latency_s or 0.0,
    ),
    (CounterMetricFamily, "suffice_replica_calls", "Calls made to the replica.", lambda state: state.n_calls),
    (
        CounterMetricFamily,
        "suffice_replica_ejections",
        "Times that the replica was left out.",
        lambda state: state.n_ejections,
    ),
)
_OF_TIERS: tuple[tuple[_Family, str, str, Callable[[TierState], float]], ...] = (
    (
        GaugeMetricFamily,
        "suffice_queue_waiting",
        "Calls that wait for a place at a replica.",
        lambda state: state.n_waiting,
    ),
    (CounterMetricFamily, "suffice_retries", "Further tries within the tier.", lambda state: state.n_retries),
    (
        CounterMetricFamily,
        "suffice_retries_denied",
        "Further tries and hedges that the retry budget did not allow.",
        lambda state: state.n_retries_denied,
    ),
    (
        CounterMetricFamily,
        "suffice_hedges",
        "Second calls made because the first was late.",
        lambda state: state.n_hedges,
    ),
)
