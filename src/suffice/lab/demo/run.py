"""The demo's story: four ways of choosing a tier, the same prompts, one table."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.progress import Progress, TaskID

from suffice.errors import DemoError
from suffice.lab.arrivals import poisson_times
from suffice.lab.demo.client import DemoClient
from suffice.lab.demo.loops import Answered, Assignment, Client, Pace, closed_loop, open_loop
from suffice.lab.demo.notes import write_notes
from suffice.lab.demo.plan import LARGE, SMALL, TAPES, DemoPlan
from suffice.lab.demo.report import Overhead, Report, Row, Scorebook, compare, measure_row, n_large
from suffice.lab.workload import Prompt, load_desk, select
from suffice.upstream.tape import load_tape

ALWAYS_LARGE, ALWAYS_SMALL, SHUFFLED, ROUTED = "always-large", "always-small", "shuffled", "routed"
ROWS = (ALWAYS_LARGE, ALWAYS_SMALL, SHUFFLED, ROUTED)

# The shuffled row takes its share from the routed one, so that one runs before it.
_ORDER = (ALWAYS_LARGE, ALWAYS_SMALL, ROUTED, SHUFFLED)

_N_OVERHEAD = 40


@dataclass(slots=True)
class _Findings:
    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    scores: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    n_routed_large: int = 0


async def run_demo(plan: DemoPlan, url: str, progress: Progress) -> Report:
    """Load the gateway at `url` and measure each row.

    Raises:
        DemoError: The gateway answers nothing.
    """
    started_at = time.perf_counter()
    client = DemoClient(url, stream=plan.stream)
    try:
        return await _measure(plan, client, progress, started_at)
    finally:
        await client.close()


async def _measure(plan: DemoPlan, client: Client, progress: Progress, started_at: float) -> Report:
    prompts = select(load_desk(), plan.split, limit=plan.limit)
    overhead = None if plan.live else await _measure_overhead(plan, client, prompts)
    book, findings = Scorebook(), _Findings()
    for index, name in enumerate(_ORDER):
        assignments = assign(name, prompts, n_to_large=findings.n_routed_large, seed=(plan.seed, index))
        answered = await _run_open(plan, name, client, assignments, progress)
        throughput_rps = await _run_closed(plan, name, client, assignments, progress)
        scores = await asyncio.to_thread(book.score, answered)
        _check_answered(name, answered)
        findings.scores[name] = scores
        findings.rows[name] = measure_row(name, answered, scores, throughput_rps=throughput_rps, seed=plan.seed)
        if name == ROUTED:
            findings.n_routed_large = n_large(answered)
    return Report(
        notes=write_notes(plan, prompts),
        rows=tuple(findings.rows[name] for name in ROWS),
        routed_minus_shuffled=compare(prompts, findings.scores[ROUTED], findings.scores[SHUFFLED], seed=plan.seed),
        overhead=overhead,
        duration_s=time.perf_counter() - started_at,
    )


def assign(name: str, prompts: Sequence[Prompt], *, n_to_large: int, seed: tuple[int, int]) -> list[Assignment]:
    """The prompts in an order of the row's own, each with the model that the row names.

    Args:
        name: One of `ROWS`.
        prompts: What is sent.
        n_to_large: How many prompts `shuffled` sends to the large tier, chosen at random.
        seed: Of the order and the choice.
    """
    rng = np.random.default_rng(seed)
    order: list[int] = rng.permutation(len(prompts)).tolist()
    if name == SHUFFLED:
        models = rng.permutation([LARGE] * n_to_large + [SMALL] * (len(prompts) - n_to_large)).tolist()
    else:
        models = [{ALWAYS_LARGE: LARGE, ALWAYS_SMALL: SMALL, ROUTED: "auto"}[name]] * len(prompts)
    return [Assignment(prompt=prompts[index], model=model) for index, model in zip(order, models, strict=True)]


async def _run_open(
    plan: DemoPlan, name: str, client: Client, assignments: Sequence[Assignment], progress: Progress
) -> list[Answered]:
    bar = progress.add_task(f"{name}: {plan.rate:g} arrivals/s", total=len(assignments))
    # Every row sees the same arrival times: they differ in nothing but the choice of tiers and the order.
    arrivals_s = poisson_times(len(assignments), plan.rate, np.random.default_rng(plan.seed))
    return await open_loop(client, assignments, arrivals_s, Pace(plan.speedup), _advancer(progress, bar))


async def _run_closed(
    plan: DemoPlan, name: str, client: Client, assignments: Sequence[Assignment], progress: Progress
) -> float:
    bar = progress.add_task(f"{name}: {plan.concurrency} clients", total=plan.window_s)
    throughput_rps = await closed_loop(
        client,
        assignments,
        concurrency=plan.concurrency,
        window_s=plan.window_s,
        pace=Pace(plan.speedup),
        on_progress=lambda elapsed_s: progress.update(bar, completed=elapsed_s),
    )
    progress.update(bar, completed=plan.window_s)
    return throughput_rps


def _advancer(progress: Progress, bar: TaskID) -> Callable[[], None]:
    return lambda: progress.advance(bar)


async def _measure_overhead(plan: DemoPlan, client: Client, prompts: Sequence[Prompt]) -> Overhead:
    """Send the shortest prompts to the small tier one after the other, and compare with their recorded times."""
    recordings = load_tape(TAPES[SMALL]).recordings
    shortest = sorted(prompts, key=lambda prompt: recordings[prompt.id].duration_s)[:_N_OVERHEAD]
    beyond: list[float] = []
    error: str | None = None
    for prompt in shortest:
        started_at = time.perf_counter()
        reply = await client.ask(prompt, SMALL)
        took_s = time.perf_counter() - started_at
        error = reply.error
        if error is None:
            beyond.append(took_s - recordings[prompt.id].duration_s / plan.speedup)
    if not beyond:
        raise DemoError(f"the gateway answered none of {len(shortest)} requests; the last said: {error}")
    return Overhead(median_s=float(np.median(beyond)), n=len(beyond))


def _check_answered(name: str, answered: Sequence[Answered]) -> None:
    errors = [item.reply.error for item in answered if item.reply.error is not None]
    if len(errors) == len(answered):
        raise DemoError(f"{name}: none of {len(answered)} requests was answered; the last said: {errors[-1]}")
