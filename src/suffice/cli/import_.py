"""`suffice import`: logs of other programs, and the gateway's own records, as queries and outcomes."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from suffice.cli.terminal import open_console, print_json, rows_table
from suffice.errors import DatasetError
from suffice.lab.dataset import FileForm, FileReport, write_dataset
from suffice.lab.dataset.sources import (
    READERS,
    Collection,
    Columns,
    ImportOptions,
    LogFormat,
    collect,
    detect_format,
)

_T = TypeVar("_T")
_SHOWN = 10


def import_(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE", help="Files of one format.")],
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write `queries` and `outcomes`.")],
    log_format: Annotated[
        Literal["auto", "records", "openai", "vllm", "litellm", "langfuse", "otel", "csv"],
        typer.Option("--format", help="Format of the sources."),
    ] = "auto",
    parquet: Annotated[bool, typer.Option("--parquet", help="Write Parquet in place of JSON Lines.")] = False,
    model: Annotated[str | None, typer.Option(help="Model of the calls that name none.")] = None,
    prompt_column: Annotated[str, typer.Option(help="Of a CSV.")] = "prompt",
    model_column: Annotated[str, typer.Option(help="Of a CSV.")] = "model",
    response_column: Annotated[str, typer.Option(help="Of a CSV.")] = "response",
    score_column: Annotated[str, typer.Option(help="Of a CSV; from 0 to 1.")] = "score",
    id_column: Annotated[str, typer.Option(help="Of a CSV.")] = "query_id",
    category_column: Annotated[str, typer.Option(help="Of a CSV.")] = "category",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of the report.")] = False,
) -> None:
    """Turn logs into queries and outcomes; entries that cannot be used are reported, and the rest goes on."""
    options = ImportOptions(
        model=model,
        columns=Columns(
            prompt=prompt_column,
            model=model_column,
            response=response_column,
            score=score_column,
            query_id=id_column,
            category=category_column,
        ),
    )
    found = _detect(sources) if log_format == "auto" else LogFormat(log_format)
    collection = collect(_follow(READERS[found](sources, options)))
    form = FileForm.PARQUET if parquet else FileForm.JSONL
    written = write_dataset(out, list(collection.queries.values()), collection.outcomes, form=form)
    if as_json:
        print_json(
            {
                "format": found.value,
                "queries": len(collection.queries),
                "outcomes": len(collection.outcomes),
                "scored": _count_scored(collection),
                "models": _count_models(collection),
                "written": [str(path) for path in written],
                "sources": [report.document() for report in collection.reports.values()],
            }
        )
    else:
        _show(open_console(), collection, found, written)


def _detect(sources: Iterable[Path]) -> LogFormat:
    found = {path: detect_format(path) for path in sources}
    formats = set(found.values())
    if len(formats) > 1:
        listed = ", ".join(f"{path.name} looks like {kind}" for path, kind in found.items())
        raise DatasetError(
            f"the files are of different formats: {listed}; import one format at a time, or say --format"
        )
    return formats.pop()


def _follow(entries: Iterable[_T]) -> Iterator[_T]:
    """The entries, counted on the terminal while they are read."""
    console = open_console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.completed:,.0f} entries read"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(entries)


def _show(console: Console, collection: Collection, log_format: LogFormat, written: tuple[Path, Path]) -> None:
    reports = collection.reports.values()
    rows = [
        (report.source, *(f"{n:,}" for n in (report.n_rows, report.n_good, report.left_out.total(), report.n_bad)))
        for report in reports
    ]
    title = f"Read as {log_format.value}"
    console.print(rows_table(rows, "source", "entries", "calls taken", "left out", "bad", title=title))
    _show_reasons(console, reports)
    n_queries, n_outcomes = len(collection.queries), len(collection.outcomes)
    console.print(f"{n_queries:,} queries in {written[0]}", markup=False, soft_wrap=True)
    console.print(f"{n_outcomes:,} outcomes in {written[1]}", markup=False, soft_wrap=True)
    for model, n in _count_models(collection).items():
        console.print(f"  {n:,} of {model}", markup=False, soft_wrap=True)
    n_unscored = n_outcomes - _count_scored(collection)
    if n_unscored:
        note = f"{n_unscored:,} outcomes have no score yet: somebody has to judge them before they can train"
        console.print(note, style="yellow", markup=False, soft_wrap=True)


def _show_reasons(console: Console, reports: Iterable[FileReport]) -> None:
    for report in reports:
        for reason, n in report.left_out.most_common():
            console.print(f"left out of {report.source}: {n:,} {reason}", markup=False, soft_wrap=True)
        for bad in report.first_bad[:_SHOWN]:
            console.print(f"bad: {bad}", style="red", markup=False, soft_wrap=True)
        if report.n_bad > _SHOWN:
            more = f"and {report.n_bad - _SHOWN:,} more bad entries in {report.source}; --json shows the first 20"
            console.print(more, style="red", markup=False)


def _count_models(collection: Collection) -> dict[str, int]:
    counts: dict[str, int] = {}
    for outcome in collection.outcomes:
        counts[outcome.model] = counts.get(outcome.model, 0) + 1
    return counts


def _count_scored(collection: Collection) -> int:
    return sum(outcome.score is not None for outcome in collection.outcomes)
