"""The shipped scorers on recorded outcomes, beside the controls that any router must beat.

Usage: python benchmarks/scorers_on_tape.py [--tape FOLDER] [--json]

Every prompt of the tape is scored as the gateway would score it; above the threshold it goes to the large model. The
tape holds both models' answers, so answers right are counted, not guessed.
"""

import argparse
import datetime as dt
import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from suffice.errors import ConfigError
from suffice.features import read
from suffice.lab.intervals import Interval
from suffice.lab.metrics import Floats, GainCurve, PairedScores, Ranking, Resamples, auc
from suffice.scoring import build
from suffice.scoring.config import ScorerConfig
from suffice.vocabulary import Turn
from suffice.wire.request import Endpoint, parse

TAPE = Path(__file__).parents[1] / "src/suffice/upstream/tapes/desk"
SMALL, LARGE = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"
THRESHOLD = 4.0
DEFAULT = "exemplars rescaled hashed"
N_RESAMPLES = 2_000


@dataclass(frozen=True)
class Case:
    """One prompt with both answers' scores."""

    turn: Turn
    small: float
    large: float
    group: str
    split: str
    is_hard: bool
    """Its author thought so; no model saw this."""


@dataclass(frozen=True)
class Row:
    """One router on one split; what a control has no use for is None."""

    router: str
    version: str
    share_to_large: Interval
    right: Interval
    shuffled: Interval | None
    """Answers right in expectation, where as many prompts drawn at random go to the large model."""
    over_shuffled: Interval | None
    apgr: Interval | None
    auc_of_hard: float | None = None
    """Probability that a prompt its author called hard scores above one he called simple; ties count half."""


def read_cases(tape: Path) -> list[Case]:
    answers = {
        model: {line["id"]: float(line["score"]) for line in _read_lines(tape / f"{model}.jsonl")}
        for model in (SMALL, LARGE)
    }
    return [
        Case(
            _read_turn(prompt),
            answers[SMALL][prompt["id"]],
            answers[LARGE][prompt["id"]],
            prompt["group"],
            prompt["split"],
            prompt["difficulty"] == "hard",
        )
        for prompt in _read_lines(tape / "prompts.jsonl")
    ]


def _read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _read_turn(prompt: dict[str, Any]) -> Turn:
    body = json.dumps({"model": "auto", "messages": prompt["messages"]}).encode()
    return read(parse(Endpoint.CHAT, body)).turns[0]


def configs() -> Iterator[tuple[str, ScorerConfig]]:
    yield "length", ScorerConfig(kind="length")
    encoders: tuple[Literal["hashed", "minilm"], ...] = ("hashed", "minilm")
    forms: tuple[Literal["report", "rescaled"], ...] = ("report", "rescaled")
    for encoder, form in product(encoders, forms):
        yield f"exemplars {form} {encoder}", ScorerConfig(kind="exemplars", encoder=encoder, form=form)


def measure(cases: list[Case], scores: dict[str, tuple[str, Floats]]) -> list[Row]:
    pairs = PairedScores(np.array([case.small for case in cases]), np.array([case.large for case in cases]))
    resamples = Resamples.draw([case.group for case in cases], n_resamples=N_RESAMPLES)
    controls = {
        "always-small": np.zeros(len(cases), dtype=np.bool_),
        "always-large": np.ones(len(cases), dtype=np.bool_),
        "oracle": pairs.uplift > 0,
    }
    rows = [measure_control(router, to_large, pairs, resamples) for router, to_large in controls.items()]
    is_hard = np.array([case.is_hard for case in cases], dtype=np.float64)
    for router, (version, values) in scores.items():
        row = measure_scorer((router, version), values, values > THRESHOLD, pairs, resamples)
        rows.append(replace(row, auc_of_hard=auc(Ranking.of(values), is_hard)))
    n_large = int((scores[DEFAULT][1] > THRESHOLD).sum())
    longest = scores["length"][1].argsort(kind="stable")[::-1][:n_large]
    name = (f"length, share of {DEFAULT}", scores["length"][0])
    to_large = np.isin(np.arange(len(cases)), longest)
    return [*rows, measure_scorer(name, scores["length"][1], to_large, pairs, resamples)]


def measure_control(router: str, to_large: NDArray[np.bool_], pairs: PairedScores, resamples: Resamples) -> Row:
    figures = resamples.measure(lambda weights: measure_routing(to_large, pairs, weights))
    return Row(router, "", figures["share"].interval(), figures["right"].interval(), None, None, None)


def measure_scorer(
    name: tuple[str, str], values: Floats, to_large: NDArray[np.bool_], pairs: PairedScores, resamples: Resamples
) -> Row:
    ranking = Ranking.of(values)
    figures = resamples.measure(lambda weights: measure_routing(to_large, pairs, weights))
    apgr = resamples.figure(lambda weights: GainCurve.of(ranking, pairs, weights).apgr())
    over = figures["right"] - figures["shuffled"]
    share, right, by_chance = (figures[key].interval() for key in ("share", "right", "shuffled"))
    return Row(*name, share, right, by_chance, over.interval(), apgr.interval())


def measure_routing(to_large: NDArray[np.bool_], pairs: PairedScores, weights: Floats) -> dict[str, float]:
    """Share to the large model, answers right, and those expected where as many drawn at random go there."""
    share, small, large, right = (
        float(np.average(values, weights=weights))
        for values in (to_large, pairs.small, pairs.large, np.where(to_large, pairs.large, pairs.small))
    )
    return {"share": share, "right": right, "shuffled": (1 - share) * small + share * large}


def score_all(cases: list[Case], warn: Callable[[str], None]) -> dict[str, tuple[str, Floats]]:
    scores: dict[str, tuple[str, Floats]] = {}
    for router, config in configs():
        try:
            scorer = build(config)
        except ConfigError as error:
            warn(f"left out {router}: {error.mistakes[0].remedy}")
            continue
        scores[router] = scorer.version, np.array([scorer.score(case.turn).complexity for case in cases])
    return scores


def n_groups(cases: list[Case], split: str) -> int:
    return len({case.group for case in cases if split in ("all", case.split)})


def print_table(console: Console, title: str, rows: list[Row]) -> None:
    table = Table(title=title, title_justify="left")
    for column in (
        "router",
        "share to large",
        "answers right",
        "shuffled, same share",
        "difference",
        "APGR",
        "AUC of hard",
    ):
        table.add_column(column, no_wrap=True)
    for row in rows:
        rates = (row.share_to_large, row.right, row.shuffled, row.over_shuffled)
        shown = [_percent(rate) if rate else "-" for rate in rates]
        table.add_row(row.router, *shown, _bounded(row.apgr) if row.apgr else "-", _decimal(row.auc_of_hard))
    console.print(table)


def _percent(rate: Interval) -> str:
    return f"{rate.estimate:6.1%} [{rate.low:.1%}, {rate.high:.1%}]"


def _bounded(figure: Interval) -> str:
    return f"{figure.estimate:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _decimal(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tape", type=Path, default=TAPE)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    cases = read_cases(arguments.tape)
    scores = score_all(cases, Console(stderr=True).print)
    splits = {"test": np.array([case.split == "test" for case in cases]), "all": np.ones(len(cases), dtype=np.bool_)}
    tables: dict[str, tuple[int, list[Row]]] = {}
    for split, chosen in splits.items():
        held = [case for case, keep in zip(cases, chosen, strict=True) if keep]
        kept_scores = {router: (version, values[chosen]) for router, (version, values) in scores.items()}
        tables[split] = len(held), measure(held, kept_scores)
    if arguments.json:
        about = {"date": dt.datetime.now(tz=dt.UTC).date().isoformat(), "python": platform.python_version()}
        sets = {
            split: {"n": n, "groups": n_groups(cases, split), "rows": [asdict(row) for row in rows]}
            for split, (n, rows) in tables.items()
        }
        print(json.dumps({**about, "small": SMALL, "large": LARGE, "threshold": THRESHOLD, "splits": sets}, indent=2))
        return
    for split, (n, rows) in tables.items():
        print_table(
            Console(width=185),
            f"{split}: n={n}, {n_groups(cases, split)} groups, threshold {THRESHOLD}, 95 % intervals by prompt group",
            rows,
        )


if __name__ == "__main__":
    main()
