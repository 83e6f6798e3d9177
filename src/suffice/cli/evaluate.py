"""`suffice evaluate`: what a bundle is worth on outcomes, beside the controls."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from suffice.cli.evidence import (
    AsJson,
    BundlePath,
    LargeModel,
    OutcomesPath,
    QueriesPath,
    ResampleCount,
    RoutingFile,
    Seed,
    SmallModel,
    Strict,
    bounded,
    read_evidence,
    read_routing,
    warn,
)
from suffice.cli.progress import show_steps
from suffice.cli.terminal import open_console, print_json
from suffice.cli.writing import check_target, write_whole
from suffice.config.sections import DEFAULT_FIRST_THRESHOLD
from suffice.estimators.bundle import load
from suffice.lab.dataset import OK_SCORE
from suffice.lab.examination import Examination, examine
from suffice.lab.metrics import Control, Plan
from suffice.lab.metrics.bootstrap import N_RESAMPLES
from suffice.lab.report import render
from suffice.lab.trial import prepare

_MAX_CATEGORIES = 30


def evaluate(
    *,
    bundle: BundlePath,
    queries: QueriesPath,
    outcomes: OutcomesPath,
    small: SmallModel,
    large: LargeModel,
    category: Annotated[str | None, typer.Option(metavar="NAME", help="Measure this category alone.")] = None,
    eleven_points: Annotated[
        bool, typer.Option("--eleven-points", help="APGR and CPT from eleven thresholds, as in published tables.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a report with charts, tables and the worst confusions.")
    ] = None,
    resamples: ResampleCount = N_RESAMPLES,
    seed: Seed = 0,
    strict: Strict = False,
    config: RoutingFile = None,
    as_json: AsJson = False,
) -> None:
    """Measure a bundle on outcomes that did not train it: every figure with its interval, beside the controls."""
    check_target("--html", html, (bundle, queries, outcomes, config))
    loaded = load(bundle)
    routing = read_routing(config)
    with show_steps("reading outcomes") as note:
        reading = read_evidence(queries, outcomes, strict=strict)
        trial = prepare(reading.dataset, small, large, category=category, max_turns=routing.max_turns, note=note)
        examination = examine(
            loaded,
            trial,
            Plan(n_resamples=resamples, seed=seed, eleven_points=eleven_points),
            fallback_threshold=DEFAULT_FIRST_THRESHOLD,
            turn_decay=routing.turn_decay,
            note=note,
        )
        if html is not None:
            note("drawing the report")
            write_whole(html, render(examination))
    errors = open_console(stderr=True)
    for warning in examination.warnings:
        warn(errors, warning)
    if as_json:
        rows = [report.document() for report in (reading.queries, reading.outcomes)]
        print_json({**examination.document(), "rows": rows})
    else:
        console = open_console()
        show(examination, console)
        if html is not None:
            console.print(f"report written to {html}", markup=False, soft_wrap=True)


def show(examination: Examination, console: Console) -> None:
    """Print the tables."""
    evaluation, trial = examination.evaluation, examination.trial
    console.print(
        f"Bundle {examination.bundle.id} on {trial.small} → {trial.large}: {evaluation.n:,} queries in"
        f" {evaluation.n_groups:,} groups; {evaluation.plan.level * 100:g} % intervals by group",
        markup=False,
        soft_wrap=True,
    )
    for reason, n in trial.left_out.items():
        console.print(f"left out: {n:,} {reason}", markup=False, soft_wrap=True)
    console.print(_routers_table(examination))
    console.print(_probabilities_table(examination))
    console.print(_points_table(examination))
    if examination.categories:
        console.print(_categories_table(examination))
    for name, reason in evaluation.undefined.items():
        console.print(f"no {name}: {reason}", style="yellow", markup=False, soft_wrap=True)


def _routers_table(examination: Examination) -> Table:
    evaluation = examination.evaluation
    eleven = ", from eleven thresholds" if evaluation.plan.eleven_points else ""
    table = Table(title=f"The router beside the controls{eleven}", title_justify="left")
    for column in ("", "APGR", "router minus this", "CPT(50)", "CPT(80)", "score at 15 % to large"):
        table.add_column(column, no_wrap=True)
    gain = evaluation.gain
    figures = (gain.cpt50, gain.cpt80, gain.acc_at_15)
    table.add_row("router", bounded(gain.apgr), "", *map(bounded, figures), style="bold")
    for name, score in (("always-small", evaluation.always_small), ("always-large", evaluation.always_large)):
        table.add_row(name, "", "", "", "", f"{bounded(score)} at {'0' if name == 'always-small' else '100'} %")
    for name, control in evaluation.controls.items():
        table.add_row(name, *_control_cells(control))
    return table


def _control_cells(control: Control) -> tuple[str, ...]:
    figures = control.figures
    return (
        bounded(figures.apgr),
        bounded(control.difference.apgr, signed=True),
        bounded(figures.cpt50),
        bounded(figures.cpt80),
        bounded(figures.acc_at_15),
    )


def _probabilities_table(examination: Examination) -> Table:
    evaluation = examination.evaluation
    table = Table(title="Does the small model suffice?", title_justify="left")
    for column in ("", "value", "beside"):
        table.add_column(column)
    of = "complexity" if evaluation.ece is None else "p_ok"
    table.add_row(f"AUC of small-model failure, by {of}", bounded(evaluation.auc), ".5 is chance")
    if evaluation.ece is not None and evaluation.ece_of_perfect is not None:
        perfect = f"95 % of perfectly calibrated ones stay below {evaluation.ece_of_perfect:.3f}"
        table.add_row("ECE of p_ok", bounded(evaluation.ece), perfect)
    if evaluation.brier is not None:
        base = float((examination.trial.outcomes.scores.small >= OK_SCORE).mean())
        table.add_row("Brier of p_ok", bounded(evaluation.brier), f"the base rate alone: {base * (1 - base):.3f}")
    return table


def _points_table(examination: Examination) -> Table:
    table = Table(title="What the thresholds do here", title_justify="left")
    for column in ("threshold", "complexity up to", "share to large", "score", "gap recovered", "score lost"):
        table.add_column(column, no_wrap=True)
    for name, point in examination.points.items():
        note = "" if name in examination.thresholds.calibrated else " (default: not calibrated)"
        table.add_row(
            f"{name}{note}",
            f"{point.threshold:g}",
            bounded(point.share, percent=True),
            bounded(point.score),
            bounded(point.recovered, percent=True),
            bounded(point.lost, signed=True),
        )
    return table


def _categories_table(examination: Examination) -> Table:
    rows = examination.categories or ()
    table = Table(title=f"Categories, at {examination.thresholds.balanced:g}", title_justify="left")
    for column in ("category", "n", "small", "large", "gain", "share to large", "score"):
        table.add_column(column)
    for row in rows[:_MAX_CATEGORIES]:
        table.add_row(
            escape(row.name),
            f"{row.n:,}",
            bounded(row.small),
            bounded(row.large),
            bounded(row.gain, signed=True),
            bounded(row.share, percent=True),
            bounded(row.score),
        )
    if len(rows) > _MAX_CATEGORIES:
        table.caption = f"and {len(rows) - _MAX_CATEGORIES} smaller ones: see --json or --html"
    return table
