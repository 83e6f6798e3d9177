"""CPU time and memory of the learned scorer, features included, one turn at a time on one core.

Usage: python benchmarks/lexical_time.py [--bundle FILE] [--prompts N] [--landmarks N] [--core C] [--json]

Every prompt is another one: sentences of the tape and of the reference turns in random order, each number drawn anew,
and one word in fifty replaced by one that nobody ever wrote, as names and codes are. Each call is timed by itself
(`time.process_time`, whose own cost is taken off); nothing is averaged before the percentiles are taken.

`just loaded` is a scorer that learns its words on the way; `in use` are other prompts of the same kind after these,
new words among them too; `no new words` is without the made-up ones. `no word known` is the worst case: each word of
each prompt is made up. `reading` is what comes before on the way of a request, from the parsed request to its turns.
`encoder` is MiniLM on such prompts, of which it reads 256 word pieces at most. Times depend on the machine and on what
else it does; `ratio`, the row's p50 over that of `in use`, hardly does. Without --bundle the weights are random: the
time does not depend on them, only on the number of landmarks.
"""

import argparse
import datetime as dt
import gc
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from suffice.errors import ConfigError
from suffice.estimators.bundle import Manifest, load, save
from suffice.estimators.calibrators import Isotonic
from suffice.estimators.encoders import MiniLmEncoder
from suffice.estimators.lexical import KIND, Landmarks, Layout, Trained, extract
from suffice.estimators.lexical.surface import SURFACE
from suffice.estimators.lexical.words import read as read_words
from suffice.features import estimate_tokens, read
from suffice.scoring.learned import Learned
from suffice.vocabulary import Turn
from suffice.wire.request import Endpoint, GenerationRequest, parse
from varied_prompts import make_prompts, read_sentences

LENGTHS = (20, 100, 400, 4_000)
ENCODER_LENGTHS = (20, 100, 400)
N_ENCODED = 30
N_BLOCKS = 30
NEW_WORD_SHARE = 0.02
IN_USE = "in use"


@dataclass(frozen=True)
class Row:
    what: str
    n_tokens: int
    """Mean, as estimated."""
    n_chars: int
    """Mean."""
    p50_us: float
    p99_us: float
    max_us: float
    ratio: float = 1.0
    """To the p50 of `in use`."""


class Trial:
    """One way of taking turns, whose times are to be measured."""

    def __init__(self, what: str, act: Callable[[Turn], object], prompts: Iterable[str]) -> None:
        self.what = what
        self.act = act
        self.turns = [Turn(text=text, n_tokens=estimate_tokens(text)) for text in prompts]
        self.times_ns: list[int] = []

    def run(self, block: slice) -> None:
        for turn in self.turns[block]:
            started = time.process_time_ns()
            self.act(turn)
            self.times_ns.append(time.process_time_ns() - started)

    def to_row(self) -> Row:
        times_us = (np.array(self.times_ns) - clock_ns()) / 1e3
        return Row(
            what=self.what,
            n_tokens=round(np.mean([turn.n_tokens for turn in self.turns])),
            n_chars=round(np.mean([len(turn.text) for turn in self.turns])),
            p50_us=round(float(np.quantile(times_us, 0.5)), 1),
            p99_us=round(float(np.quantile(times_us, 0.99)), 1),
            max_us=round(float(times_us.max()), 1),
        )


def measure(*trials: Trial) -> Iterator[Row]:
    """Rows of trials that run by turns, block by block: when the machine is slow, it is so for all of them."""
    gc.collect()
    for block in range(N_BLOCKS):
        for trial in trials:
            n = len(trial.turns)
            trial.run(slice(n * block // N_BLOCKS, n * (block + 1) // N_BLOCKS))
    return (trial.to_row() for trial in trials)


def clock_ns() -> float:
    """What one reading of the clock costs by itself, nanoseconds."""
    readings = [time.process_time_ns() for _ in range(2_001)]
    return float(np.median(np.diff(readings)))


def try_reading(prompts: Sequence[str]) -> Trial:
    """Reading the features of requests that have been parsed."""
    requests = iter([request_of(text) for text in prompts])
    return Trial("reading", lambda _: read(next(requests)), prompts)


def request_of(text: str) -> GenerationRequest:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    return parse(Endpoint.CHAT, json.dumps(body).encode())


def save_random(path: Path, layout: Layout, n_landmarks: int) -> None:
    """Write a bundle with random weights for two models, and the sentences' words as its vocabulary."""
    rng = np.random.default_rng(1)
    ladder = Isotonic(np.linspace(0.0, 1.0, 64), np.linspace(0.1, 0.9, 64))
    weights = rng.normal(scale=0.05, size=(layout.n_columns, 3)).astype(np.float32)
    # As in trained bundles, shapes act through landmarks alone.
    weights[layout.first_kind :] = 0.0
    trained = Trained(
        layout=layout,
        weights=weights,
        intercepts=np.array([0.1, 0.6, 0.8]),
        reference=rng.normal(scale=0.2, size=1_000),
        typical=np.ones(len(SURFACE)),
        calibrators=[ladder, ladder],
        landmarks=make_landmarks(layout, n_landmarks, rng),
        vocabulary=sorted(set(read_words(" ".join(read_sentences())).words)),
    )
    manifest = Manifest(kind=KIND, models=("small", "large"), created="2026-11-23", parameters=trained.to_parameters())
    save(path, manifest, trained.to_arrays())


def make_landmarks(layout: Layout, n_landmarks: int, rng: np.random.Generator) -> Landmarks | None:
    """Shapes of prompts as landmarks, with random weights; None of them: None."""
    if not n_landmarks:
        return None
    rows = extract(make_prompts(n_landmarks, 100, rng, 0.0), layout)
    places = np.zeros((n_landmarks, layout.n_columns - layout.first_kind), dtype=np.float32)
    of_shape = rows.columns >= layout.first_kind
    of_row = np.repeat(np.arange(n_landmarks), np.diff(rows.starts))
    places[of_row[of_shape], rows.columns[of_shape] - layout.first_kind] = rows.values[of_shape]
    centre = places.mean(axis=0)
    # So that the likeness of two prompts is about exp(-3).
    scale = 0.17 / np.maximum(places.std(axis=0), 0.05)
    weights = rng.normal(scale=0.05, size=(n_landmarks, 3)).astype(np.float32)
    return Landmarks(centre, scale.astype(np.float32), (places - centre) * scale, weights)


def resident_mb() -> float:
    """Memory of this process that is resident, or 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if statm.exists() else 0


def rows_of(path: Path, n_tokens: int, n_prompts: int, encoder: MiniLmEncoder | None) -> Iterator[Row]:
    """Rows of one length; ten times fewer prompts where no word is known, and of 4,000 tokens; few for the encoder."""
    rng = np.random.default_rng(n_tokens)
    n = max(1, n_prompts * 400 // max(400, n_tokens))
    learned = Learned(load(path), {})
    yield from measure(Trial("just loaded", learned.score, make_prompts(n, n_tokens, rng, NEW_WORD_SHARE)))
    trials = [
        Trial(IN_USE, learned.score, make_prompts(n, n_tokens, rng, NEW_WORD_SHARE)),
        Trial("no new words", learned.score, make_prompts(n, n_tokens, rng, 0.0)),
        try_reading(list(make_prompts(n, n_tokens, rng, NEW_WORD_SHARE))),
    ]
    if encoder is not None and n_tokens in ENCODER_LENGTHS:
        prompts = make_prompts(N_ENCODED, n_tokens, rng, NEW_WORD_SHARE)
        trials.append(Trial("encoder", lambda turn: encoder.encode([turn.text]), prompts))
    yield from measure(*trials)
    yield from measure(Trial("no word known", learned.score, make_prompts(max(1, n // 10), n_tokens, rng, 1.0)))


def compare(rows: Iterable[Row]) -> list[Row]:
    """Rows of one length, each with how many times as long it takes as the scorer in use."""
    found = list(rows)
    in_use = next(row for row in found if row.what == IN_USE)
    return [replace(row, ratio=round(row.p50_us / in_use.p50_us, 2)) for row in found]


def load_encoder() -> MiniLmEncoder | None:
    try:
        return MiniLmEncoder()
    except ConfigError as error:
        Console(stderr=True).print(f"left out the encoder: {error.mistakes[0].remedy}")
        return None


def measure_memory(path: Path, n_prompts: int) -> float:
    """Megabytes that a loaded bundle takes once its memory of words is full."""
    prompts = list(make_prompts(n_prompts, 100, np.random.default_rng(0), 0.1))
    gc.collect()
    before_mb = resident_mb()
    learned = Learned(load(path), {})
    for prompt in prompts:
        learned.score(Turn(text=prompt, n_tokens=100))
    gc.collect()
    return resident_mb() - before_mb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--pair-bits", type=int, default=Layout().pair_bits, help="of the random bundle; 0: no pairs")
    parser.add_argument("--landmarks", type=int, default=512, help="of the random bundle")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.core})
    with tempfile.TemporaryDirectory() as folder:
        path = options.bundle or Path(folder) / "random.bundle"
        if options.bundle is None:
            save_random(path, Layout(pair_bits=options.pair_bits), options.landmarks)
        memory_mb = measure_memory(path, options.prompts)
        encoder = load_encoder()
        rows = [row for n in LENGTHS for row in compare(rows_of(path, n, options.prompts, encoder))]
    about = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "prompts": options.prompts,
        "memory_mb": round(memory_mb, 1),
    }
    if options.json:
        print(json.dumps({**about, "rows": [asdict(row) for row in rows]}, indent=2))
        return
    table = Table(title=f"CPU time of one score, microseconds; {memory_mb:.1f} MB resident", title_justify="left")
    for column in Row.__annotations__:
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        table.add_row(*map(str, asdict(row).values()))
    Console().print(table)


if __name__ == "__main__":
    main()
