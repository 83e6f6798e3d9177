"""CPU time and memory of the learned scorer, features included, one turn at a time on one core.

Usage: python benchmarks/lexical_time.py [--bundle FILE] [--prompts N] [--core C] [--json]

Every prompt is another one: sentences of the tape and of the reference turns in random order, each number drawn anew,
and one word in fifty replaced by one that nobody ever wrote, as names and codes are. Each call is timed by itself
(`time.process_time`, whose own cost is taken off); nothing is averaged before the percentiles are taken.

`just loaded` is a scorer that learns its words on the way; `in use` are other prompts of the same kind after these,
new words among them too; `no new words` is without the made-up ones. `no word known` is the worst case: each word of
each prompt is made up. Without --bundle the weights are random: the time does not depend on them.
"""

import argparse
import datetime as dt
import gc
import json
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from suffice.estimators.bundle import Manifest, load, save
from suffice.estimators.calibrators import Isotonic
from suffice.estimators.lexical import KIND, Layout, Trained
from suffice.estimators.lexical.surface import SURFACE
from suffice.estimators.lexical.words import read
from suffice.features import estimate_tokens
from suffice.scoring import REFERENCE_TURNS
from suffice.scoring.learned import Learned
from suffice.vocabulary import Turn

LENGTHS = (20, 100, 400, 4_000)
PROMPTS = Path(__file__).parents[1] / "src/suffice/upstream/tapes/desk/prompts.jsonl"
NEW_WORD_SHARE = 0.02
SYLLABLES = ("ka", "lo", "mir", "ten", "u", "sho", "bra", "vi", "del", "nox", "pe", "quo", "ri", "zan", "th", "el")

Score = Callable[[Turn], object]


@dataclass(frozen=True)
class Row:
    words: str
    n_tokens: int
    """Mean, as estimated."""
    n_chars: int
    """Mean."""
    p50_us: float
    p99_us: float
    max_us: float


def read_sentences() -> list[str]:
    """Sentences of the tape's user messages and of the reference turns, each once."""
    texts = [turn.text for turn in REFERENCE_TURNS]
    for line in PROMPTS.read_text(encoding="utf-8").splitlines():
        texts += [message["content"] for message in json.loads(line)["messages"] if message["role"] == "user"]
    return sorted({part for text in texts for part in re.split(r"(?<=[.!?])\s+", text) if part})


def make_prompts(n: int, n_tokens: int, rng: np.random.Generator, share: float) -> Iterator[str]:
    """Prompts of `n_tokens` on average; a share of their words is made up."""
    sentences = read_sentences()
    chars_per_token = sum(map(len, sentences)) / sum(map(estimate_tokens, sentences))
    length = round(n_tokens * chars_per_token)
    for _ in range(n):
        text = ""
        while len(text) < length:
            text += vary(sentences[rng.integers(len(sentences))], rng, share) + " "
        yield text[:length]


def vary(sentence: str, rng: np.random.Generator, share: float) -> str:
    """The sentence with its numbers drawn anew, and a share of its words made up."""
    parts = re.split(r"(\d+)", sentence)
    # Every second part is a number; it keeps its digits' count.
    parts[1::2] = [f"{rng.integers(10 ** min(6, len(number)))}" for number in parts[1::2]]
    words = "".join(parts).split(" ")
    drawn = rng.random(len(words)) < share
    return " ".join(make_up(rng) if made_up else word for word, made_up in zip(words, drawn, strict=True))


def make_up(rng: np.random.Generator) -> str:
    places: list[int] = rng.integers(len(SYLLABLES), size=int(rng.integers(3, 6))).tolist()
    return "".join(SYLLABLES[place] for place in places)


def measure(score: Score, words: str, prompts: Iterable[str]) -> Row:
    turns = [Turn(text=text, n_tokens=estimate_tokens(text)) for text in prompts]
    times_ns = np.empty(len(turns))
    gc.collect()
    for index, turn in enumerate(turns):
        started = time.process_time_ns()
        score(turn)
        times_ns[index] = time.process_time_ns() - started
    times_us = (times_ns - clock_ns()) / 1e3
    return Row(
        words=words,
        n_tokens=round(np.mean([turn.n_tokens for turn in turns])),
        n_chars=round(np.mean([len(turn.text) for turn in turns])),
        p50_us=round(float(np.quantile(times_us, 0.5)), 1),
        p99_us=round(float(np.quantile(times_us, 0.99)), 1),
        max_us=round(float(times_us.max()), 1),
    )


def clock_ns() -> float:
    """What one reading of the clock costs by itself, nanoseconds."""
    readings = [time.process_time_ns() for _ in range(2_001)]
    return float(np.median(np.diff(readings)))


def save_random(path: Path, layout: Layout) -> None:
    """Write a bundle with random weights for two models, and the sentences' words as its vocabulary."""
    rng = np.random.default_rng(1)
    ladder = Isotonic(np.linspace(0.0, 1.0, 64), np.linspace(0.1, 0.9, 64))
    trained = Trained(
        layout=layout,
        weights=rng.normal(scale=0.05, size=(layout.n_columns, 3)).astype(np.float32),
        intercepts=np.array([0.1, 0.6, 0.8]),
        reference=rng.normal(scale=0.2, size=1_000),
        typical=np.ones(len(SURFACE)),
        calibrators=[ladder, ladder],
        vocabulary=sorted(set(read(" ".join(read_sentences())).words)),
    )
    manifest = Manifest(kind=KIND, models=("small", "large"), created="2026-11-23", parameters=trained.to_parameters())
    save(path, manifest, trained.to_arrays())


def resident_mb() -> float:
    """Memory of this process that is resident, or 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if statm.exists() else 0


def rows_of(path: Path, n_tokens: int, n_prompts: int) -> Iterator[Row]:
    """Rows of one length; ten times fewer prompts where no word is known, and of 4,000 tokens."""
    rng = np.random.default_rng(n_tokens)
    n = max(1, n_prompts * 400 // max(400, n_tokens))
    learned = Learned(load(path), {})
    yield measure(learned.score, "just loaded", make_prompts(n, n_tokens, rng, NEW_WORD_SHARE))
    yield measure(learned.score, "in use", make_prompts(n, n_tokens, rng, NEW_WORD_SHARE))
    yield measure(learned.score, "no new words", make_prompts(n, n_tokens, rng, 0.0))
    yield measure(learned.score, "no word known", make_prompts(max(1, n // 10), n_tokens, rng, 1.0))


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
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.core})
    with tempfile.TemporaryDirectory() as folder:
        path = options.bundle or Path(folder) / "random.bundle"
        if options.bundle is None:
            save_random(path, Layout(pair_bits=options.pair_bits))
        memory_mb = measure_memory(path, options.prompts)
        rows = [row for n_tokens in LENGTHS for row in rows_of(path, n_tokens, options.prompts)]
    about = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "prompts": options.prompts,
        "memory_mb": round(memory_mb, 1),
    }
    if options.json:
        print(json.dumps({**about, "rows": [asdict(row) for row in rows]}, indent=2))
        return
    table = Table(title=f"CPU time of one score, microseconds; {memory_mb:.1f} MB resident", title_justify="left")
    for column in Row.__annotations__:
        table.add_column(column, justify="left" if column == "words" else "right")
    for row in rows:
        table.add_row(*map(str, asdict(row).values()))
    Console().print(table)


if __name__ == "__main__":
    main()
