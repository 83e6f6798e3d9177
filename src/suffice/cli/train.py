"""`suffice train`: from queries and outcomes to a bundle, in seconds."""

import datetime as dt
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from suffice.cli.evidence import (
    AsJson,
    LargeModel,
    OutcomesPath,
    QueriesPath,
    ResampleCount,
    Seed,
    SmallModel,
    Strict,
    bounded,
    read_evidence,
    warn,
)
from suffice.cli.terminal import open_console, print_json, rows_table
from suffice.errors import BundleError
from suffice.estimators.bundle import Bundle, TrainingSource, load
from suffice.estimators.lexical import Layout, build, layout_of
from suffice.lab.dataset import hash_dataset
from suffice.lab.metrics import Evaluation, Plan
from suffice.lab.metrics.bootstrap import N_RESAMPLES
from suffice.lab.train import (
    CurvePoint,
    Fitted,
    Provenance,
    TrainPlan,
    assess,
    gather,
    learning_curve,
    rank,
    train_on,
    write_bundle,
)
from suffice.lab.train.curve import SIZES
from suffice.lab.train.examples import Examples, Track, sample
from suffice.lab.train.kernel import MAX_DENSE

_SHOWN = 6


def train(
    *,
    queries: QueriesPath,
    outcomes: OutcomesPath,
    small: SmallModel,
    large: LargeModel,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The bundle to write.")],
    middle: Annotated[
        list[str] | None, typer.Option("--middle", metavar="MODEL", help="Of a tier in between; again for more.")
    ] = None,
    warm_start: Annotated[
        Path | None, typer.Option("--warm-start", metavar="BUNDLE", help="Start from what this bundle expects.")
    ] = None,
    runs: Annotated[
        bool | None,
        typer.Option(
            "--runs/--no-runs",
            help="Look into words too, at runs of three to five bytes; without, a score takes three quarters of the "
            "time. By default as --warm-start has it, or else with runs.",
            show_default=False,
        ),
    ] = None,
    max_queries: Annotated[
        int, typer.Option(min=1_000, help="Of more, so many are drawn; beyond 12,000 training takes hours.")
    ] = MAX_DENSE,
    curve: Annotated[
        bool, typer.Option("--curve", help="Show what fewer outcomes would give; takes some times as long.")
    ] = False,
    licence: Annotated[str, typer.Option(help="SPDX name of the data's licence, for the manifest.")] = "own",
    generic: Annotated[bool, typer.Option("--generic", help="Mark as trained on public data: for observing.")] = False,
    resamples: ResampleCount = N_RESAMPLES,
    seed: Seed = 0,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Train a scorer on outcomes; several candidates are compared by cross-validation over groups of prompts."""
    _check_place(out, (queries, outcomes))
    if not licence.strip():
        raise BundleError(f"--licence {licence!r} names none; give its SPDX name, or leave it out")
    start = None if warm_start is None else load(warm_start)
    reading = read_evidence(queries, outcomes, strict=strict)
    with _follow("reading texts") as track:
        examples = gather(reading.dataset, (small, *(middle or ()), large), track=track)
    if examples.n > max_queries:
        examples = sample(examples, max_queries, seed=seed)
    plan = TrainPlan(layout=_lay_out(runs, start), seed=seed)
    with _follow("cross-validating") as track:
        fitted = train_on(examples, plan, warm_start=start, track=track)
    evaluation = assess(fitted, Plan(n_resamples=resamples, seed=seed))
    points = _draw_curve(examples, plan, start) if curve else []
    source = TrainingSource(
        name=queries.name, sha256=hash_dataset(reading.dataset), n_queries=examples.n, licence=licence
    )
    created = dt.datetime.now(tz=dt.UTC).date().isoformat()
    bundle = write_bundle(out, fitted, evaluation, Provenance(sources=[source], created=created, generic=generic))
    for warning in _find_doubts(fitted, start, source):
        warn(open_console(stderr=True), warning)
    if as_json:
        rows = [report.document() for report in (reading.queries, reading.outcomes)]
        print_json({**_document(bundle, fitted, evaluation, points), "rows": rows})
    else:
        _show(open_console(), bundle, fitted, evaluation, points)
        open_console().print(f"written to {out}", markup=False, soft_wrap=True)


def _find_doubts(fitted: Fitted, start: Bundle | None, source: TrainingSource) -> Iterator[str]:
    small, *_, large = fitted.examples.models
    gain = float(fitted.examples.uplift.mean())
    if gain <= 0:
        yield f"{large} scores no better than {small} ({gain:+.3f} on average): are --small and --large exchanged?"
    if start is not None and any(each.sha256 == source.sha256 for each in start.manifest.sources):
        yield "--warm-start was trained on these very outcomes: all figures are too good"
    elif start is not None:
        yield "figures are too good as far as --warm-start was trained on some of these queries: that is not looked for"
    if fitted.trust is not None and not fitted.trust:
        yield "the outcomes do not support what --warm-start expects: it is not used"


def _check_place(out: Path, read: Sequence[Path]) -> None:
    """A minute of training should not end in an error that could be told at once, nor in the loss of what was read."""
    if any(out.resolve() == path.resolve() for path in read):
        raise BundleError(f"--out {str(out)!r} is a file that is trained on; name another one")
    if out.is_dir() or not out.parent.is_dir():
        problem = "is a folder" if out.is_dir() else f"cannot be written: {out.parent} is no folder"
        raise BundleError(f"--out {str(out)!r} {problem}; name a file in a folder that exists")


def _lay_out(runs: bool | None, start: Bundle | None) -> Layout:
    """What was asked for, or else what the warm start has."""
    if runs is None and start is not None:
        build(start)
        return layout_of(start.manifest)
    return Layout() if runs is not False else Layout(run_bits=0)


@contextmanager
def _follow(what: str) -> Generator[Track]:
    console = open_console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield lambda steps: progress.track(steps, description=what)


def _draw_curve(examples: Examples, plan: TrainPlan, start: Bundle | None) -> list[CurvePoint]:
    with _follow("learning curve") as track:
        return learning_curve(examples, plan, sizes=SIZES, warm_start=start, track=track)


def _show(
    console: Console, bundle: Bundle, fitted: Fitted, evaluation: Evaluation, points: Sequence[CurvePoint]
) -> None:
    models = " → ".join(fitted.examples.models)
    console.print(
        f"Bundle {bundle.id} for {models}: {evaluation.n:,} queries in {evaluation.n_groups:,} groups;"
        " figures are cross-validated, with 95 % intervals by group",
        markup=False,
        soft_wrap=True,
    )
    for reason, n in fitted.examples.left_out.items():
        console.print(f"left out: {n:,} {reason}", markup=False, soft_wrap=True)
    measure = "APGR" if _has_gap(evaluation) else "minus squared error"
    console.print(rows_table(_candidate_rows(fitted), "candidate", measure, title="Candidates, the best first"))
    gain = evaluation.gain
    rows = [("chosen without the fold it is measured on", bounded(gain.apgr), "")]
    rows += [
        (name, bounded(control.figures.apgr), bounded(control.difference.apgr, signed=True))
        for name, control in evaluation.controls.items()
    ]
    console.print(rows_table(rows, "", "APGR", "router minus this", title="The router beside the controls"))
    perfect = "-" if evaluation.ece_of_perfect is None else f"{evaluation.ece_of_perfect:.3f}"
    rows = [
        ("AUC of small-model failure", bounded(evaluation.auc), ""),
        ("ECE of p_ok(small)", bounded(evaluation.ece), f"95 % of perfect ones stay below {perfect}"),
        ("score at 15 % to large", bounded(gain.acc_at_15), ""),
        ("always small / large", f"{bounded(evaluation.always_small)} / {bounded(evaluation.always_large)}", ""),
    ]
    console.print(rows_table(rows, "", "figure", ""))
    if points:
        console.print(rows_table(_curve_rows(points), "queries", "start", "APGR", "SD of draws", title=_title(points)))
    for name, reason in evaluation.undefined.items():
        console.print(f"no {name}: {reason}", style="yellow", markup=False, soft_wrap=True)


def _has_gap(evaluation: Evaluation) -> bool:
    """Whether candidates are compared by APGR: where the dearest model gains nothing on average, there is none."""
    return not isnan(evaluation.gain.apgr.estimate)


def _candidate_rows(fitted: Fitted) -> list[tuple[str, str]]:
    ranked = rank(fitted.held, fitted.examples.paired)
    shown = ranked[:_SHOWN] if len(ranked) <= _SHOWN else [*ranked[: _SHOWN - 1], ranked[-1]]
    return [(candidate.describe(), f"{value:.3f}") for candidate, value in shown]


def _title(points: Sequence[CurvePoint]) -> str:
    return f"Learning curve, on {points[0].n_test:,} other queries"


def _curve_rows(points: Sequence[CurvePoint]) -> list[tuple[str, ...]]:
    return [
        (
            f"{point.n:,}",
            "warm" if point.warm else "cold",
            "-" if isnan(point.mean) else f"{point.mean:.3f}",
            "-" if isnan(point.spread) else f"{point.spread:.3f}",
        )
        for point in points
    ]


def _document(
    bundle: Bundle, fitted: Fitted, evaluation: Evaluation, points: Sequence[CurvePoint]
) -> dict[str, object]:
    ranked = rank(fitted.held, fitted.examples.paired)
    has_gap = _has_gap(evaluation)
    return {
        "bundle": bundle.id,
        "models": list(fitted.examples.models),
        "left_out": dict(fitted.examples.left_out),
        "chosen": [member.describe() for member in fitted.chosen.members],
        "candidates": [
            {"candidate": candidate.describe(), "apgr": value if has_gap else None} for candidate, value in ranked
        ],
        "trust_in_warm_start": fitted.trust,
        "thresholds": dict(bundle.manifest.thresholds),
        "cross_validated": evaluation.to_json(),
        "curve": [
            {
                "n": point.n,
                "n_test": point.n_test,
                "warm": point.warm,
                "apgr": [None if isnan(value) else value for value in point.apgr],
            }
            for point in points
        ],
    }
