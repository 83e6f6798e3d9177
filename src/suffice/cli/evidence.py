"""What `evaluate`, `calibrate` and `promote` have in common: reading outcomes, and telling what was not used."""

import os
from collections.abc import Iterable
from math import isnan
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from suffice.cli.terminal import open_console
from suffice.lab.dataset import FileReport, Reading, check_rows, read_dataset
from suffice.lab.intervals import Interval
from suffice.policy.config import RoutingConfig

SHOWN_ROWS = 5

BundlePath = Annotated[Path, typer.Option("--bundle", metavar="FILE", help="What `suffice train` wrote.")]
QueriesPath = Annotated[Path, typer.Option("--queries", metavar="FILE", help="Queries, Parquet or JSON Lines.")]
OutcomesPath = Annotated[Path, typer.Option("--outcomes", metavar="FILE", help="Outcomes, Parquet or JSON Lines.")]
SmallModel = Annotated[str, typer.Option("--small", metavar="MODEL", help="Model of the first tier.")]
LargeModel = Annotated[str, typer.Option("--large", metavar="MODEL", help="Model of the top tier.")]
ResampleCount = Annotated[int, typer.Option("--resamples", min=1, help="Resamples behind each interval.")]
Seed = Annotated[int, typer.Option(help="Of the resamples.", min=0)]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse files with bad rows, in place of a warning.")]
RoutingFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="Treat conversations as this `suffice.yaml` does."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")]


def read_evidence(queries: Path, outcomes: Path, *, strict: bool) -> Reading:
    """Read a dataset, and tell on standard error which rows cannot be used.

    Raises:
        DatasetError: A file cannot be used, or, if `strict`, a row of it.
    """
    reading = read_dataset(queries, outcomes)
    reports = (reading.queries, reading.outcomes)
    if strict:
        check_rows(reports)
    warn_of_rows(open_console(stderr=True), reports)
    return reading


def warn_of_rows(console: Console, reports: Iterable[FileReport]) -> None:
    """Tell which rows cannot be used."""
    for report in reports:
        if not report.n_bad:
            continue
        warn(console, f"{report.n_bad:,} of {report.n_rows:,} rows of {report.source} cannot be used")
        for bad in report.first_bad[:SHOWN_ROWS]:
            console.print(f"  {bad}", style="yellow", markup=False, soft_wrap=True)
        if report.n_bad > SHOWN_ROWS:
            console.print(f"  and {report.n_bad - SHOWN_ROWS:,} more", style="yellow", markup=False)


def warn(console: Console, message: str) -> None:
    """Print a warning."""
    console.print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)


def read_routing(config: Path | None) -> RoutingConfig:
    """The `routing` section of a configuration, or its defaults.

    Raises:
        ConfigError: The file holds mistakes.
    """
    if config is None:
        return RoutingConfig()
    from suffice.config import load  # noqa: PLC0415 - its loading takes time, and most calls need none

    return load(config, os.environ, allow_open=True).config.routing


def bounded(figure: Interval | None, *, percent: bool = False, signed: bool = False) -> str:
    """A figure with its interval, as text."""
    if figure is None or isnan(figure.estimate):
        return "-"
    form = f"{'+' if signed else ''}.1%" if percent else f"{'+' if signed else ''}.3f"
    text = f"{figure.estimate:{form}}"
    return text if isnan(figure.low) else f"{text} [{figure.low:{form}}, {figure.high:{form}}]"
