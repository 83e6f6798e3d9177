"""What is shown as it is at the moment of asking."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from suffice import __version__


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
class ReplicaState:
    """How one replica of a tier is."""

    tier: str
    replica: str
    healthy: bool
    in_flight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleState:
    """Which bundle is in force."""

    id: str
    generic: bool


class Watched(Collector):
    """What is read at the moment of scraping."""

    def __init__(self) -> None:
        self.in_flight: Callable[[], int] | None = None
        self.recorder: Callable[[], RecorderFigures] | None = None
        self.replicas: Callable[[], Iterable[ReplicaState]] | None = None
        self.bundle: Callable[[], BundleState | None] | None = None

    def collect(self) -> Iterable[Metric]:
        """Read all that is watched, for Prometheus."""
        build = GaugeMetricFamily("suffice_build_info", "The running version; always 1.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        if self.in_flight is not None:
            yield GaugeMetricFamily("suffice_requests_in_flight", "Requests being served.", value=self.in_flight())
        if self.recorder is not None:
            yield from _recorder_metrics(self.recorder())
        if self.replicas is not None:
            yield from _replica_metrics(self.replicas())
        if self.bundle is not None and (state := self.bundle()) is not None:
            labels = ["bundle", "generic"]
            bundle = GaugeMetricFamily("suffice_bundle_info", "The bundle in force; always 1.", labels=labels)
            bundle.add_metric([state.id, str(state.generic).lower()], 1)
            yield bundle


def _recorder_metrics(figures: RecorderFigures) -> Iterable[Metric]:
    yield GaugeMetricFamily("suffice_recorder_queue_records", "Records waiting to be written.", value=figures.queued)
    yield CounterMetricFamily("suffice_recorder_written", "Records written.", value=figures.written)
    yield CounterMetricFamily("suffice_recorder_dropped", "Records lost, the requests served.", value=figures.dropped)
    yield CounterMetricFamily("suffice_recorder_failures", "Transactions that failed.", value=figures.failed)


def _replica_metrics(states: Iterable[ReplicaState]) -> Iterable[Metric]:
    labels = ["tier", "replica"]
    healthy = GaugeMetricFamily("suffice_replica_healthy", "1: the last try was answered; 0: it failed.", labels=labels)
    in_flight = GaugeMetricFamily("suffice_replica_calls_in_flight", "Calls open to the replica.", labels=labels)
    for state in states:
        healthy.add_metric([state.tier, state.replica], int(state.healthy))
        in_flight.add_metric([state.tier, state.replica], state.in_flight)
    yield healthy
    yield in_flight
