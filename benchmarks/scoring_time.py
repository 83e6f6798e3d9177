"""CPU time to read a request and to score a turn, by the length of the user's words.

Usage: python benchmarks/scoring_time.py [--json]

Times are of this process on one core (`time.process_time`), the median of several rounds. The first row parses a
body and reads its features; the others score a turn, whose text is given to them whole.
"""

import argparse
import datetime as dt
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Literal

from rich.console import Console
from rich.table import Table

from suffice.errors import ConfigError
from suffice.features import estimate_tokens, read
from suffice.scoring import REFERENCE_TURNS, build
from suffice.scoring.config import ScorerConfig
from suffice.vocabulary import Turn
from suffice.wire.request import Endpoint, parse

LENGTHS = (20, 100, 400, 4_000)
N_ROUNDS = 7
ROUND_S = 0.05
ENCODERS: tuple[Literal["hashed", "minilm"], ...] = ("hashed", "minilm")
FORMS: tuple[Literal["report", "rescaled"], ...] = ("report", "rescaled")

Timed = tuple[str, Callable[[str], object]]


def make_text(n_tokens: int) -> str:
    """Reference turns one after another, cut at about `n_tokens`."""
    words: list[str] = []
    for turn in REFERENCE_TURNS * 3:
        words += turn.text.split()
    text = " ".join(words)
    return text[: round(len(text) * n_tokens / estimate_tokens(text))]


def cpu_us(act: Callable[[str], object], text: str) -> float:
    """Median CPU time of one call, in microseconds."""
    started = time.process_time()
    act(text)
    n_calls = max(1, round(ROUND_S / max(1e-6, time.process_time() - started)))
    rounds: list[float] = []
    for _ in range(N_ROUNDS):
        started = time.process_time()
        for _ in range(n_calls):
            act(text)
        rounds.append((time.process_time() - started) / n_calls)
    return 1e6 * statistics.median(rounds)


def what_is_timed(warn: Callable[[str], None]) -> Iterator[Timed]:
    yield "parse and read", _read
    yield "length", _scoring(ScorerConfig(kind="length"))
    for encoder, form in product(ENCODERS, FORMS):
        try:
            yield f"exemplars {form} {encoder}", _scoring(ScorerConfig(kind="exemplars", encoder=encoder, form=form))
        except ConfigError as error:
            warn(f"left out exemplars {form} {encoder}: {error.mistakes[0].remedy}")


def _read(text: str) -> object:
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": text}]}).encode()
    return read(parse(Endpoint.CHAT, body))


def _scoring(config: ScorerConfig) -> Callable[[str], object]:
    scorer = build(config)
    return lambda text: scorer.score(Turn(text=text, n_tokens=len(text) // 4))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    texts = {n_tokens: make_text(n_tokens) for n_tokens in LENGTHS}
    timed = what_is_timed(Console(stderr=True).print)
    times = {name: {n: cpu_us(act, text) for n, text in texts.items()} for name, act in timed}
    if as_json:
        about = {"date": dt.datetime.now(tz=dt.UTC).date().isoformat(), "python": platform.python_version()}
        print(json.dumps({**about, "machine": platform.machine(), "cpu_us_by_tokens": times}, indent=2))
        return
    table = Table(title="CPU time per call, microseconds, by tokens of the user's words", title_justify="left")
    table.add_column("what")
    for n_tokens in LENGTHS:
        table.add_column(f"{n_tokens:,}", justify="right")
    for name, by_length in times.items():
        table.add_row(name, *(f"{value:,.0f}" for value in by_length.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
