"""`suffice label`: tiers answer a sample of queries, and a checker, a judge or their agreement scores the answers."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from suffice.cli.drawing import Drawing, draw_queries
from suffice.cli.judges import choose_judge, choose_tiers
from suffice.cli.labelling import Order, carry_out
from suffice.cli.terminal import open_console
from suffice.config import load
from suffice.errors import ConfigError, DatasetError, Mistake
from suffice.lab.dataset import FileForm, Query
from suffice.lab.dataset.reading import read_queries
from suffice.lab.label import Asking, HumanLabels, Method, read_human_labels

_INTERRUPTED = 128 + signal.SIGINT


def label(
    *,
    queries: Annotated[Path, typer.Option(metavar="FILE", help="What is asked: `queries`, JSON Lines or Parquet.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the journal, `queries` and `outcomes` are written.")],
    config: Annotated[Path, typer.Option(help="The configuration with the tiers.")] = Path("suffice.yaml"),
    tiers: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Separated by commas. [default: the first and the last]")
    ] = None,
    by: Annotated[
        Literal["check", "judge", "agreement", "none"] | None,
        typer.Option(help="Who scores. [default: a query's check, and --judge for those without one]"),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="TIER|URL[:MODEL]", help="Compares answers, blind and in both orders.")
    ] = None,
    judge_key_env: Annotated[str | None, typer.Option(metavar="NAME", help="Variable with a judge URL's key.")] = None,
    human: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Labels by people: `query_id`, `model`, `score`.")
    ] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Draw so many queries, one of each prompt group.")] = None,
    strategy: Annotated[
        Literal["random", "active"], typer.Option(help="Active: where labels narrow the threshold most.")
    ] = "random",
    bundle: Annotated[Path | None, typer.Option(metavar="FILE", help="What an active draw goes by.")] = None,
    outcomes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Known outcomes of --queries for it, in place of --bundle.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=10, help="Complexity it looks at. [default: the configured one]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 1,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Of an answer.")] = None,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="Of all calls.")] = 0.0,
    logprobs: Annotated[bool, typer.Option(help="Ask for logprobs where a tier supports them.")] = True,
    concurrency: Annotated[int, typer.Option(min=1, max=1024, help="Calls at once.")] = 8,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write Parquet in place of JSON Lines.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Spend what it costs without asking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Have tiers answer queries and score the answers; the same command goes on where an earlier run ended."""
    drawing = Drawing(
        sample=sample,
        is_active=strategy == "active",
        bundle=bundle,
        outcomes=outcomes,
        threshold=threshold,
        seed=seed,
    )
    loaded = load(config, os.environ, allow_open=True)
    chosen = choose_tiers(loaded, tiers)
    method = _choose_method(by, judge, [tier.name for tier in chosen])
    judging = None if judge is None else choose_judge(loaded, judge, judge_key_env, os.environ)
    found, report = read_queries(queries)
    _check_scorable(method, found, queries)
    titles = {tier.name: tier.model for tier in chosen}
    choice = draw_queries(found, queries, drawing, loaded.config, titles)
    ids = {query.query_id for query in found}
    people = HumanLabels() if human is None else read_human_labels(human, ids, titles, choice.queries)
    order = Order(
        loaded=loaded if judging is None else judging.loaded,
        tiers=chosen,
        judge=judging,
        choice=choice,
        method=method,
        uses_checks=by in {None, "check"},
        asking=Asking(max_tokens=max_tokens, temperature=temperature),
        asks_logprobs=logprobs,
        concurrency=concurrency,
        human=people,
        reports=[report, *([people.report] if people.report is not None else [])],
        out=out,
        form=FileForm.PARQUET if parquet else FileForm.JSONL,
        is_agreed=yes,
        as_json=as_json,
    )
    try:
        asyncio.run(_until_stopped(order))
    except (KeyboardInterrupt, asyncio.CancelledError):
        said = f"stopped: what was answered is kept in {out}, and the same command goes on from there"
        open_console(stderr=True).print(said, markup=False, soft_wrap=True)
        raise typer.Exit(_INTERRUPTED) from None


def _choose_method(by: str | None, judge: str | None, tiers: Sequence[str]) -> Method:
    """Who scores what no check does.

    Raises:
        ConfigError: A judge is missing or not wanted, or there is nothing to compare with.
    """
    method = Method(by) if by is not None else Method.JUDGE if judge is not None else Method.CHECK
    mistakes: list[Mistake] = []
    if method is Method.JUDGE and judge is None:
        mistakes.append(Mistake("--by", by, "needs a judge; name one with --judge TIER, or --judge URL:MODEL"))
    if method is not Method.JUDGE and judge is not None:
        mistakes.append(Mistake("--judge", judge, f"has nothing to do with --by {by}; leave one of them out"))
    if method in {Method.JUDGE, Method.AGREEMENT} and len(tiers) < 2:
        mistakes.append(Mistake("--tiers", ",".join(tiers), "needs two tiers at least: answers are compared"))
    if mistakes:
        raise ConfigError(mistakes, source="the command line")
    return method


def _check_scorable(method: Method, queries: Sequence[Query], file: Path) -> None:
    """See that somebody scores something.

    Raises:
        DatasetError: There are neither checks nor a judge.
    """
    if method is Method.CHECK and not any(query.check for query in queries):
        raise DatasetError(
            f"no query of {file} has a `check`, and no judge is named: say --judge TIER or --judge URL:MODEL, --by"
            " agreement to compare with the top tier's answers, or --by none to gather answers for people to label"
        )


async def _until_stopped(order: Order) -> None:
    """Carry it out; SIGTERM ends it like Ctrl-C."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await carry_out(order)
