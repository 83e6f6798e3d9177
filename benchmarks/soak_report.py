"""What a soak found: the figures, their slopes with an interval, and every violation."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table

from suffice.testing.footprint import Footprint

N_BLOCKS = 8
T_QUANTILE = 2.447
"""Student's t at 97.5 % with N_BLOCKS - 2 degrees of freedom."""
MAX_GROWTH_MIB = 5.0
"""Memory may be so much higher at the end than it was after the first third; what leaks grows for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The gateway at one moment."""

    at_s: float
    print: Footprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """Growth per minute, with its 95 % interval."""

    per_minute: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.per_minute:+.3f} a minute [{self.low:+.3f}, {self.high:+.3f}]"


def slope(points: Sequence[tuple[float, float]]) -> Slope:
    """Least squares over the means of blocks: samples a second apart are no independent ones.

    Args:
        points: Seconds and value, in order of time.
    """
    size = len(points) // N_BLOCKS
    if size == 0:
        return Slope(per_minute=math.nan, low=-math.inf, high=math.inf)
    blocks = [points[start : start + size] for start in range(0, N_BLOCKS * size, size)]
    x = [statistics.fmean(at_s / 60 for at_s, _ in block) for block in blocks]
    y = [statistics.fmean(value for _, value in block) for block in blocks]
    line = statistics.linear_regression(x, y)
    rest = sum((b - line.intercept - line.slope * a) ** 2 for a, b in zip(x, y, strict=True))
    spread = sum((a - statistics.fmean(x)) ** 2 for a in x)
    half = T_QUANTILE * math.sqrt(rest / (N_BLOCKS - 2) / spread)
    return Slope(per_minute=line.slope, low=line.slope - half, high=line.slope + half)


@dataclass(slots=True, kw_only=True)
class Report:
    """The result of one soak."""

    seed: int
    seconds: float
    capacity_per_s: float
    rate_per_s: float
    endings: Mapping[str, Mapping[str, int]]
    """Requests by kind and ending."""
    codes: Mapping[str, int]
    """Errors that clients got."""
    faults: Mapping[str, int]
    """Injected beside those that requests ordered."""
    n_ordered: int
    """Requests with an order to fail."""
    n_skipped: int
    """Requests that were due, but too many were open: the machine took less than it had seemed to."""
    n_answered: int
    n_told: int
    """Requests that are over, as the metrics say."""
    n_written: int
    n_dropped: int
    n_in_file: int
    longest_s: float
    """Of all requests, as recorded."""
    n_lost: int
    """Answered, and neither in the file nor counted as dropped."""
    samples: list[Sample]
    at_rest: tuple[Footprint, Footprint]
    """Before and after."""
    violations: list[str] = field(default_factory=list[str])

    def slope_of(self, name: str) -> Slope:
        """The slope of one of the footprint's figures, less the first third, in which caches fill."""
        kept = self.samples[len(self.samples) // 3 :]
        return slope([(sample.at_s, float(getattr(sample.print, name))) for sample in kept])

    @property
    def growth_mib(self) -> float:
        """Memory of the last sixth against that of the sixth after the first third."""
        n = len(self.samples)
        early = [sample.print.rss_mib for sample in self.samples[n // 3 : n // 2]]
        late = [sample.print.rss_mib for sample in self.samples[-max(1, n // 6) :]]
        return statistics.median(late) - statistics.median(early)

    def judge(self) -> None:
        """Add the violations that the figures show."""
        before, after = self.at_rest
        if self.n_told != self.n_written + self.n_dropped:
            self.violations.append(f"{self.n_told} requests, {self.n_written} written and {self.n_dropped} dropped")
        if self.n_written != self.n_in_file:
            self.violations.append(f"{self.n_written} records written, {self.n_in_file} in the file")
        if self.n_lost > self.n_dropped:
            self.violations.append(f"{self.n_lost} answers without a record, {self.n_dropped} dropped")
        more = after.n_files > before.n_files or after.n_other_sockets > before.n_other_sockets
        if more or after.n_from_clients or after.n_half_closed:
            self.violations.append(f"file descriptors: {before} became {after}")
        if self.growth_mib > MAX_GROWTH_MIB:
            self.violations.append(f"memory grew by {self.growth_mib:.1f} MiB after the first third")

    def as_json(self) -> dict[str, object]:
        """For machines."""
        slopes = {name: asdict(self.slope_of(name)) for name in ("rss_mib", "n_files", "n_to_upstreams")}
        return {**asdict(self), "slopes": slopes, "growth_mib": self.growth_mib}

    def show(self, console: Console) -> None:
        """For people."""
        console.print(_endings_table(self.endings))
        table = Table(show_header=False)
        for name, value in self._rows().items():
            table.add_row(name, value)
        console.print(table)
        for violation in self.violations[:20]:
            console.print(f"violation: {violation}", style="red", markup=False)
        console.print(f"{len(self.violations)} violations", style="red" if self.violations else "green")

    def _rows(self) -> Mapping[str, str]:
        before, after = self.at_rest
        peak_mib = max(one.print.rss_mib for one in self.samples)
        n_peak = max(one.print.n_to_upstreams for one in self.samples)
        return {
            "seed": str(self.seed),
            "capacity found, rate of the soak": f"{self.capacity_per_s:.0f}, {self.rate_per_s:.0f} requests/s",
            "faults injected": ", ".join(f"{n} x {name}" for name, n in sorted(self.faults.items())),
            "requests that ordered a fault": f"{self.n_ordered:,}",
            "requests left out, too many were open": f"{self.n_skipped:,}",
            "errors that clients got": ", ".join(f"{n} x {code}" for code, n in sorted(self.codes.items())) or "none",
            "longest request": f"{self.longest_s:.1f} s",
            "answered / over / written / dropped": (
                f"{self.n_answered:,} / {self.n_told:,} / {self.n_written:,} / {self.n_dropped:,}"
            ),
            "answered, not recorded": f"{self.n_lost:,} of {self.n_dropped:,} dropped",
            "RSS before, peak, after": f"{before.rss_mib:.1f}, {peak_mib:.1f}, {after.rss_mib:.1f} MiB",
            "RSS, growth after the first third": f"{self.growth_mib:+.1f} MiB",
            "RSS, MiB": str(self.slope_of("rss_mib")),
            "files before, after": f"{before.n_files}, {after.n_files}",
            "files": str(self.slope_of("n_files")),
            "to upstreams before, peak, after": f"{before.n_to_upstreams}, {n_peak}, {after.n_to_upstreams}",
            "to upstreams": str(self.slope_of("n_to_upstreams")),
            "connections of clients after": str(after.n_from_clients),
        }


def _endings_table(endings: Mapping[str, Mapping[str, int]]) -> Table:
    names = sorted({name for found in endings.values() for name in found})
    n_all = sum(sum(found.values()) for found in endings.values())
    table = Table("", *names, title=f"{n_all:,} requests")
    for kind, found in sorted(endings.items()):
        table.add_row(kind, *(f"{found.get(name, 0):,}" for name in names))
    return table
