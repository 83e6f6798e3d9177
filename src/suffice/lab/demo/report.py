"""What a run of the demo found, in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suffice.lab.checkers import is_right
from suffice.lab.demo.loops import Answered
from suffice.lab.demo.plan import LARGE
from suffice.lab.intervals import Interval, mean_interval
from suffice.lab.workload import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way of choosing a tier."""

    name: str
    n: int
    n_failed: int
    usd_per_1000: float
    p50_s: float
    """Median latency of the answered requests in the open loop, at the recorded speed."""
    p99_s: float
    throughput_rps: float
    """Answers per second of the closed loop, at the recorded speed."""
    right: Interval
    """Share of right answers; a failed request is a wrong one."""
    share_large: float
    """Share of the answered requests that the large tier answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """What a request costs beyond the recorded time, in real seconds: gateway, client and sockets together."""

    median_s: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The table and what is needed to read it."""

    notes: Mapping[str, str]
    """What these numbers are, and what they are not."""
    rows: tuple[Row, ...]
    routed_minus_shuffled: Interval
    """Right answers, prompt by prompt: what routing is worth over chance at equal share to large."""
    overhead: Overhead | None
    """None where no recorded time is known to compare with."""
    duration_s: float
    """Of the whole run, in real seconds."""


class Scorebook:
    """Checks answers; equal answers to a prompt are checked once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], bool] = {}

    def score(self, answered: Sequence[Answered]) -> dict[str, float]:
        """1.0 or 0.0 by prompt id; python checks run code, so this belongs in a thread."""
        return {item.prompt.id: float(self._is_right(item)) for item in answered}

    def _is_right(self, item: Answered) -> bool:
        if item.reply.error is not None:
            return False
        key = item.prompt.id, item.reply.answer
        if key not in self._known:
            self._known[key] = is_right(item.prompt.check, item.reply.answer)
        return self._known[key]


def measure_row(
    name: str, answered: Sequence[Answered], scores: Mapping[str, float], *, throughput_rps: float, seed: int
) -> Row:
    """The numbers of one row.

    Args:
        name: Of the row.
        answered: Every request of the open loop; not empty.
        scores: By prompt id.
        throughput_rps: From the closed loop.
        seed: Of the interval's resampling.
    """
    good = [item for item in answered if item.reply.error is None]
    latencies = [item.latency_s for item in good] or [float("nan")]
    p50, p99 = np.quantile(latencies, [0.5, 0.99])
    return Row(
        name=name,
        n=len(answered),
        n_failed=len(answered) - len(good),
        usd_per_1000=1000 * sum(item.reply.cost_usd for item in answered) / len(answered),
        p50_s=float(p50),
        p99_s=float(p99),
        throughput_rps=throughput_rps,
        right=_interval([item.prompt for item in answered], scores, seed),
        share_large=n_large(answered) / len(good) if good else float("nan"),
    )


def n_large(answered: Sequence[Answered]) -> int:
    """How many requests the large tier answered."""
    return sum(item.reply.tier == LARGE for item in answered)


def compare(
    prompts: Sequence[Prompt], ours: Mapping[str, float], theirs: Mapping[str, float], *, seed: int
) -> Interval:
    """The mean difference of two rows' scores, prompt by prompt."""
    return _interval(prompts, {prompt.id: ours[prompt.id] - theirs[prompt.id] for prompt in prompts}, seed)


def _interval(prompts: Sequence[Prompt], scores: Mapping[str, float], seed: int) -> Interval:
    # One order for every row, so that the resampling depends on the prompts alone.
    ordered = sorted(prompts, key=lambda prompt: prompt.id)
    values = np.array([scores[prompt.id] for prompt in ordered])
    return mean_interval(values, [prompt.group for prompt in ordered], seed=seed)
