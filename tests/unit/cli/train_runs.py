"""Runs of `suffice train` on drawn outcomes, with a change made to them."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command_runs import Run, Runner

from suffice.estimators.lexical import Layout
from suffice.lab.train import TrainPlan
from suffice.testing.datasets import draw_rows, write_rows

N = 60
Rows = list[dict[str, Any]]
Change = Callable[[Rows, Rows], None]


def plan_small(*, layout: Layout, **options: Any) -> TrainPlan:
    """Features so few that training takes a third of the time; a warm start's layout stays as it is."""
    small = {Layout(): Layout(word_bits=10, run_bits=11), Layout(run_bits=0): Layout(word_bits=10, run_bits=0)}
    return TrainPlan(layout=small.get(layout, layout), **options)


def arguments(files: tuple[Path, Path], out: Path, *more: str, small: str = "small", large: str = "large") -> list[str]:
    options = ["--queries", str(files[0]), "--outcomes", str(files[1]), "--small", small, "--large", large]
    return ["train", *options, "--out", str(out), "--resamples", "40", *more]


def document_of(result: Run) -> dict[str, Any]:
    assert result.code == 0, result.err
    return json.loads(result.out)


def train_changed(run: Runner, folder: Path, change: Change, *more: str, **models: str) -> Run:
    queries, outcomes = draw_rows(N)
    change(queries, outcomes)
    files = write_rows(folder / "q.jsonl", queries), write_rows(folder / "o.jsonl", outcomes)
    return run(*arguments(files, folder / "bundle", *more, **models))


def leave(_queries: Rows, _outcomes: Rows) -> None:
    pass


def spoil_two(_: Rows, outcomes: Rows) -> None:
    outcomes[0]["score"] = math.nan
    outcomes[3]["score"] = 7.0
