"""What training on the tape's own outcomes gives on its other prompts, beside the controls.

Usage: python benchmarks/learned_on_tape.py [--by fold|kind|split] [--seed S] [--json]

`fold`: five folds by group. `kind`: leaving out one kind of prompts after the other, so that none was ever seen.
`split`: trained on the train split, measured on test. What is ranked is the complexity, as the gateway compares it.
"""

import argparse
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from suffice.estimators import QuantileMap
from suffice.estimators.lexical import Lexical, Trained
from suffice.features import read
from suffice.lab.baselines import rate_exemplars
from suffice.lab.dataset import assign_folds
from suffice.lab.intervals import Interval
from suffice.lab.metrics import Evaluation, Floats, PairedOutcomes, evaluate
from suffice.lab.train import Examples, TrainPlan, train_on
from suffice.lab.workload import Split, load_desk
from suffice.upstream.tape import load_tape
from suffice.vocabulary import Features
from suffice.wire.request import Endpoint, parse

MODELS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
WAYS = ("fold", "kind", "split")


def read_requests() -> list[Features]:
    """Every prompt of the tape, as the gateway reads it."""
    return [
        read(parse(Endpoint.CHAT, json.dumps({"model": "auto", "messages": messages}).encode()))
        for messages in (
            [{"role": message.role, "content": message.content} for message in prompt.messages]
            for prompt in load_desk()
        )
    ]


def read_examples(requests: Sequence[Features]) -> Examples:
    """The tape's outcomes; the kinds of prompts are kept from training."""
    prompts = load_desk()
    scores = [load_tape(model).recordings for model in MODELS]
    return Examples(
        models=MODELS,
        texts=[features.turns[0].text for features in requests],
        groups=[prompt.group for prompt in prompts],
        categories=None,
        scores=np.array([[tape[prompt.id].score for tape in scores] for prompt in prompts]),
        other_scores=np.empty((len(prompts), 0)),
        left_out={},
    )


def parts_of(examples: Examples, way: str, seed: int) -> NDArray[np.intp]:
    """Which part holds each prompt out; -1: none, it always trains."""
    prompts = load_desk()
    if way == "fold":
        return assign_folds(examples.groups, 5, seed=seed)
    if way == "kind":
        return np.unique([prompt.kind for prompt in prompts], return_inverse=True)[1]
    return np.array([0 if prompt.split is Split.TEST else -1 for prompt in prompts])


def rate_held_out(examples: Examples, parts: NDArray[np.intp], seed: int) -> tuple[Floats, Floats]:
    """Complexity, and probability of the small model, of the rows held out."""
    complexity, p_ok = np.full(examples.n, np.nan), np.full(examples.n, np.nan)
    for part in range(int(parts.max()) + 1):
        outside = np.flatnonzero(parts == part)
        trained = train_on(examples.take(np.flatnonzero(parts != part)), TrainPlan(seed=seed)).trained
        gain, raw = rate(trained, [examples.texts[row] for row in outside.tolist()])
        to_complexity = QuantileMap(trained.reference.tolist())
        complexity[outside] = [to_complexity(value) for value in gain.tolist()]
        p_ok[outside] = [trained.calibrators[0](value) for value in raw.tolist()]
    return complexity, p_ok


def rate(trained: Trained, texts: Sequence[str]) -> tuple[Floats, Floats]:
    """Expected gains and raw successes of the small model."""
    model = Lexical(trained.weights, trained.intercepts, trained.layout, trained.vocabulary, trained.landmarks)
    outputs = np.array([model(text) for text in texts])
    return outputs[:, 0], outputs[:, 1]


def examine(way: str, seed: int) -> Evaluation:
    """One way of holding out, measured."""
    requests = read_requests()
    examples = read_examples(requests)
    parts = parts_of(examples, way, seed)
    rows = np.flatnonzero(parts >= 0)
    complexity, p_ok = rate_held_out(examples, parts, seed)
    held = examples.take(rows)
    outcomes = PairedOutcomes(
        scores=held.paired,
        groups=held.groups,
        categories=[load_desk()[row].kind for row in rows.tolist()],
        prompts=held.texts,
    )
    exemplars = rate_exemplars([requests[row] for row in rows.tolist()])
    return evaluate(complexity[rows], p_ok[rows], outcomes, baselines=exemplars)


def show(way: str, found: Evaluation) -> None:
    """Print one table."""
    table = Table(
        title=f"by {way}: n={found.n}, {found.n_groups} groups, 95 % intervals by group", title_justify="left"
    )
    for column in ("router", "APGR", "learned minus this", "right at 15 % to large"):
        table.add_column(column, no_wrap=True)
    table.add_row("learned", _bounded(found.gain.apgr), "", _bounded(found.gain.acc_at_15))
    table.add_row("always-small", "", "", _bounded(found.always_small))
    table.add_row("always-large", "", "", _bounded(found.always_large))
    for name, control in found.controls.items():
        figures, difference = control.figures, control.difference
        table.add_row(name, _bounded(figures.apgr), _bounded(difference.apgr), _bounded(figures.acc_at_15))
    Console(width=140).print(table)
    if found.ece is not None:
        print(f"ECE of p_ok(small) {_bounded(found.ece)}; 95 % of perfect ones stay below {found.ece_of_perfect:.3f}")


def _bounded(figure: Interval) -> str:
    return f"{figure.estimate:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--by", choices=WAYS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {way: examine(way, options.seed) for way in ((options.by,) if options.by else WAYS)}
    if options.json:
        print(json.dumps({way: each.to_json() for way, each in found.items()}, indent=2))
        return
    for way, each in found.items():
        show(way, each)


if __name__ == "__main__":
    main()
