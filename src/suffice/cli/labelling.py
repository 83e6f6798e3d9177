"""Carrying out `suffice label`: open the tiers, say what it costs, ask, call, score, write, report."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from suffice.assembly import open_upstreams
from suffice.cli.judges import JudgeChoice
from suffice.cli.labelled import show_forecasts, show_report
from suffice.cli.terminal import open_console, print_json
from suffice.config import Loaded
from suffice.errors import ConfigError, Mistake
from suffice.lab.dataset import FileForm, FileReport, write_dataset
from suffice.lab.label import (
    PROMPT_VERSION,
    Asking,
    Forecast,
    HumanLabels,
    Journal,
    Judge,
    Method,
    Report,
    Target,
    Work,
    ask_all,
    collect,
    forecast,
    list_measurements,
    run,
    write_report,
)
from suffice.lab.label.choosing import Choice
from suffice.lab.label.session import Advance
from suffice.pipeline.ports import Upstream
from suffice.upstream.config import TierConfig
from suffice.vocabulary import Price

_N_TOP_LOGPROBS = 2
"""The chosen token and the best other one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the command line asks for."""

    loaded: Loaded
    tiers: Sequence[TierConfig]
    judge: JudgeChoice | None
    choice: Choice
    method: Method
    uses_checks: bool
    asking: Asking
    asks_logprobs: bool
    concurrency: int
    human: HumanLabels
    reports: Sequence[FileReport]
    """Of the files that were read."""
    out: Path
    form: FileForm
    is_agreed: bool
    """Nobody is asked whether to spend what it costs."""
    as_json: bool


async def carry_out(order: Order) -> None:
    """Do all of it.

    Raises:
        ConfigError: It would cost something, and there is nobody to ask.
        DatasetError: The folder holds another run's journal.
        LabelError: A model fails again and again, or the folder cannot be written to.
        typer.Abort: Whoever was asked said no.
    """
    opened = [*order.tiers, *([order.judge.config] if order.judge is not None else [])]
    async with open_upstreams(order.loaded, opened) as upstreams:
        work = _plan(order, upstreams)
        with Journal(order.out, work.settings()) as journal, _open_progress() as progress:
            stages = _Stages(progress)
            await _agree(order, work, journal, stages)
            done = await run(work, journal, stages.begin)
            outcomes = collect(work.queries, work.titles, journal, {**done.labels, **order.human.labels})
            written = write_dataset(order.out, work.queries, outcomes, form=order.form)
            report = write_report(work, journal, done, order.human.labels)
    _tell(order, work, report, written)


def _plan(order: Order, upstreams: Sequence[Upstream]) -> Work:
    targets = [_aim(order, tier, upstream) for tier, upstream in zip(order.tiers, upstreams, strict=False)]
    judge: Judge | None = None
    if order.judge is not None:
        config = order.judge.config
        where = config.tape.model if config.tape is not None else ",".join(sorted(config.base_urls))
        judge = Judge(
            target=Target(
                name=config.name,
                model=config.model,
                upstream=upstreams[-1],
                price=_price(config) if order.judge.has_price else None,
            ),
            key=f"{config.model} at {where}, asked in way {PROMPT_VERSION}",
            judges_itself=config.model in {tier.model for tier in order.tiers},
            temperature=order.asking.temperature,
        )
    return Work(
        queries=order.choice.queries,
        groups=order.choice.groups,
        targets=targets,
        titles={tier.name: tier.model for tier in order.tiers},
        asking=order.asking,
        sample=order.choice.description,
        method=order.method,
        uses_checks=order.uses_checks,
        judge=judge,
        concurrency=order.concurrency,
    )


def _aim(order: Order, tier: TierConfig, upstream: Upstream) -> Target:
    # A tape kept the chosen tokens alone.
    n_top = 0 if tier.tape is not None else _N_TOP_LOGPROBS
    has_logprobs = order.asks_logprobs and tier.supports.logprobs
    return Target(
        name=tier.name,
        model=tier.model,
        upstream=upstream,
        price=_price(tier),
        n_top_logprobs=n_top if has_logprobs else None,
    )


def _price(tier: TierConfig) -> Price:
    return Price(input=tier.price.input, cached_input=tier.price.cached_input, output=tier.price.output)


async def _agree(order: Order, work: Work, journal: Journal, stages: "_Stages") -> None:
    """Say what the run will cost and have it agreed to; measure first where nothing tells how long answers are.

    Raises:
        ConfigError: There is nobody to ask.
        typer.Abort: The answer was no.
    """
    rows = forecast(work, journal)
    if not any(row.n_calls for row in rows):
        return
    first = list_measurements(work, journal)
    if first:
        if not order.is_agreed:
            _show(rows, stages)
            _confirm(f"make {len(first)} of these calls now, to measure how long answers are")
        await ask_all(work, journal, first, stages.begin)
        rows = forecast(work, journal)
    _show(rows, stages)
    if not order.is_agreed:
        _confirm("make these calls")


def _show(rows: Sequence[Forecast], stages: "_Stages") -> None:
    stages.hide()
    show_forecasts(open_console(stderr=True), rows)


def _confirm(what: str) -> None:
    if not sys.stdin.isatty():
        remedy = f"there is no terminal to ask whether to {what}; say --yes to spend it"
        raise ConfigError([Mistake("--yes", None, remedy)], source="the command line")
    typer.confirm(f"{what[:1].upper()}{what[1:]}?", abort=True, err=True)


def _open_progress() -> Progress:
    console = open_console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


class _Stages:
    """A bar for each stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def begin(self, name: str, n_steps: int) -> Advance:
        """Show a bar; gives what moves it on."""
        if not n_steps:
            return lambda: None
        self._progress.start()
        bar = self._progress.add_task(name, total=n_steps)
        return lambda: self._progress.advance(bar)

    def hide(self) -> None:
        """Make room for tables and questions."""
        self._progress.stop()


def _tell(order: Order, work: Work, report: Report, written: tuple[Path, Path]) -> None:
    if order.as_json:
        print_json(
            {
                "sample": work.sample,
                **report.document(),
                "written": [str(path) for path in written],
                "sources": [read.document() for read in order.reports],
            }
        )
        return
    console = open_console()
    show_report(console, report)
    for file in order.reports:
        for reason, n in file.left_out.items():
            console.print(f"left out of {file.source}: {n:,} {reason}", markup=False, soft_wrap=True)
        for bad in file.first_bad:
            console.print(f"left out: {bad}", style="yellow", markup=False, soft_wrap=True)
    console.print(f"written: {written[0]}, {written[1]}", markup=False, soft_wrap=True)
