"""Train the bundle that is shipped, or show what its recipe gives on sets that it has not seen.

Usage: python tools/train_generic.py --data FOLDER [--out FILE | --leave-one-out] [--seed S]

FOLDER holds the public outcome sets named in SETS, each as NAME.queries.parquet and NAME.outcomes.parquet. With them
goes the train split of the shipped tape. `--leave-one-out` trains once without each set and measures on it, prompts
alike in both left out of training. The groups that are sealed for final reports never train.
"""

import argparse
import datetime as dt
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suffice.estimators import QuantileMap
from suffice.estimators.bundle import TrainingSource
from suffice.estimators.lexical import Layout, Lexical
from suffice.features import read
from suffice.lab.dataset import group_texts, hash_dataset, mark_sealed, read_dataset
from suffice.lab.metrics import Floats, PairedOutcomes, Plan, evaluate, length
from suffice.lab.train import Examples, Fitted, Provenance, TrainPlan, assess, gather, train_on, write_bundle
from suffice.lab.train.examples import draw_groups
from suffice.lab.workload import Split, load_desk, select
from suffice.upstream.tape import load_tape
from suffice.wire.request import Endpoint, parse

PER_SET = 1_200
"""Queries of each set: larger ones are sampled, much smaller ones count several times, so that none drowns another."""

MODELS = ("small", "large")
"""The sets compare different pairs; the bundle knows only which side is which."""

TAPE = "desk tape"
_OPTIONS = "\nA. "


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSet:
    """A public set of outcomes."""

    name: str
    small: str
    large: str
    licence: str


_LLAMA = "Llama-3.1-{}B-Instruct"
SETS = (
    OutcomeSet(
        name="routellm_mmlu",
        small="mistralai/Mixtral-8x7B-Instruct-v0.1",
        large="gpt-4-1106-preview",
        licence="Apache-2.0",
    ),
    OutcomeSet(
        name="routellm_gsm8k",
        small="mistralai/Mixtral-8x7B-Instruct-v0.1",
        large="gpt-4-1106-preview",
        licence="Apache-2.0",
    ),
    OutcomeSet(
        name="mmlu_pro",
        small="Meta-Llama-3_1-8B-Instruct",
        large="Meta-Llama-3_1-70B-Instruct",
        licence="Apache-2.0",
    ),
    OutcomeSet(
        name="zeroeval",
        small="Meta-Llama-3.1-8B-Instruct",
        large="Meta-Llama-3.1-70B-Instruct",
        licence="Apache-2.0",
    ),
    OutcomeSet(
        name="llmrouter_default",
        small="mistral-7b-instruct-v0.3",
        large="llama-3.1-nemotron-51b-instruct",
        licence="MIT",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One set's examples; its categories carry its name."""

    examples: Examples
    source: TrainingSource


def read_part(folder: Path, each: OutcomeSet) -> Part:
    """The rows of a set that are not sealed."""
    paths = (folder / f"{each.name}.{kind}.parquet" for kind in ("queries", "outcomes"))
    dataset = read_dataset(*paths).dataset
    examples = gather(dataset, (each.small, each.large))
    open_rows = np.flatnonzero(~mark_sealed(examples.groups))
    examples = examples.take(open_rows)
    kinds = examples.categories or [""] * examples.n
    named = replace(
        examples, models=MODELS, categories=[f"{each.name}/{kind}" for kind in kinds], other_scores=_none(examples.n)
    )
    source = TrainingSource(name=each.name, sha256=hash_dataset(dataset), n_queries=examples.n, licence=each.licence)
    return Part(examples=named, source=source)


def read_tape_part() -> tuple[Part, Part]:
    """The tape's train and test split."""
    return _read_tape(Split.TRAIN), _read_tape(Split.TEST)


def _read_tape(split: Split) -> Part:
    prompts = select(load_desk(), split)
    scores = [
        {name: recording.score for name, recording in load_tape(model).recordings.items()}
        for model in ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
    ]
    texts = [
        read(parse(Endpoint.CHAT, json.dumps({"model": "auto", "messages": [
            {"role": message.role, "content": message.content} for message in prompt.messages
        ]}).encode())).turns[0].text
        for prompt in prompts
    ]  # fmt: skip
    examples = Examples(
        models=MODELS,
        texts=texts,
        groups=[f"tape-{prompt.group}" for prompt in prompts],
        categories=[f"tape/{prompt.kind}" for prompt in prompts],
        scores=np.array([[answers[prompt.id] for answers in scores] for prompt in prompts], dtype=np.float64),
        other_scores=_none(len(prompts)),
        left_out={},
    )
    digest = group_texts(["\n".join(texts)])[0]
    source = TrainingSource(name=f"{TAPE}, {split}", sha256=digest, n_queries=examples.n, licence="Apache-2.0")
    return Part(examples=examples, source=source)


def _none(n: int) -> Floats:
    return np.empty((n, 0))


def join(parts: Sequence[Examples], *, seed: int) -> Examples:
    """Sets joined, about `PER_SET` rows of each; groups are made anew over all of them."""
    some = [part.take(weigh(part.groups, seed=seed)) for part in parts]
    texts = [text for part in some for text in part.texts]
    return Examples(
        models=MODELS,
        texts=texts,
        groups=group_texts([stem_of(text) for text in texts]),
        categories=[kind for part in some for kind in part.categories or ()],
        scores=np.vstack([part.scores for part in some]),
        other_scores=_none(len(texts)),
        left_out={},
    )


def weigh(groups: Sequence[str], *, seed: int) -> NDArray[np.intp]:
    """Rows of a set, drawn by group or all repeated."""
    return np.tile(draw_groups(groups, PER_SET, seed=seed), max(1, PER_SET // len(groups)))


def stem_of(text: str) -> str:
    """The question without its options: two sets ask the same ones with other options."""
    return text.partition(_OPTIONS)[0]


def without_overlap(train: Examples, test: Examples) -> Examples:
    """What of `train` is like nothing in `test`."""
    groups = group_texts([stem_of(text) for text in (*train.texts, *test.texts)])
    tested = set(groups[train.n :])
    return train.take(np.array([row for row in range(train.n) if groups[row] not in tested], dtype=np.intp))


def leave_one_out(parts: dict[str, Examples], plan: TrainPlan) -> Iterator[dict[str, object]]:
    """Train without each set in turn, measure on it."""
    for name, test in parts.items():
        others = join([part for other, part in parts.items() if other != name], seed=plan.seed)
        train = without_overlap(others, test)
        fitted = train_on(train, plan)
        yield {"set": name, "trained_on": train.n, **measure(fitted, test)}


def measure(fitted: Fitted, test: Examples) -> dict[str, object]:
    """APGR beside length, with intervals."""
    trained = fitted.trained
    model = Lexical(trained.weights, trained.intercepts, trained.layout, (), trained.landmarks)
    gain = np.array([model(text)[0] for text in test.texts])
    outcomes = PairedOutcomes(scores=test.paired, groups=test.groups, prompts=test.texts)
    found = evaluate(gain, None, outcomes, plan=Plan(n_resamples=500))
    by_length = found.controls["length"]
    return {
        "n": found.n,
        "apgr": [found.gain.apgr.estimate, found.gain.apgr.low, found.gain.apgr.high],
        "length": [by_length.figures.apgr.estimate, by_length.figures.apgr.low, by_length.figures.apgr.high],
        "over_length": [
            by_length.difference.apgr.estimate,
            by_length.difference.apgr.low,
            by_length.difference.apgr.high,
        ],
        "n_tokens_mean": float(np.mean(length(test.texts))),
    }


def thresholds_on_tape(fitted: Fitted) -> dict[str, float]:
    """Thresholds at which 60, 30 and 15 % of the tape's train split go further up.

    Of all sets it is the one that looks like everyday traffic. No prompt is rated by what was trained on its group.
    """
    to_complexity = QuantileMap(fitted.trained.reference.tolist())
    gains = fitted.chosen.predict(fitted.held)
    kinds = fitted.examples.categories or []
    complexities = [to_complexity(gain) for gain, kind in zip(gains, kinds, strict=True) if kind.startswith("tape/")]
    shares = {"quality": 0.60, "balanced": 0.30, "cheap": 0.15}
    return {name: round(float(np.quantile(complexities, 1 - share)), 2) for name, share in shares.items()}


def main() -> None:
    """Train and write, or leave one out and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--leave-one-out", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    parts = {each.name: read_part(options.data, each) for each in SETS}
    tape, tape_test = read_tape_part()
    parts[TAPE] = tape
    # The gateway's default has to be fast before all: without runs of bytes a score takes three quarters of the time.
    plan = TrainPlan(layout=Layout(run_bits=0), seed=options.seed)
    if options.leave_one_out:
        for row in leave_one_out({name: part.examples for name, part in parts.items()}, plan):
            print(json.dumps(row), flush=True)
        return
    examples = join([part.examples for part in parts.values()], seed=options.seed)
    fitted = train_on(examples, plan)
    print(json.dumps({"set": f"{TAPE}, test", **measure(fitted, tape_test.examples)}), file=sys.stderr)
    if options.out is not None:
        created = dt.datetime.now(tz=dt.UTC).date().isoformat()
        sources = [part.source for part in parts.values()]
        bundle = write_bundle(
            options.out,
            fitted,
            assess(fitted),
            Provenance(sources=sources, created=created, generic=True),
            thresholds=thresholds_on_tape(fitted),
        )
        told = {
            "n": examples.n,
            "metrics": dict(bundle.manifest.metrics),
            "thresholds": dict(bundle.manifest.thresholds),
        }
        print(json.dumps({"bundle": bundle.id, **told}))


if __name__ == "__main__":
    main()
