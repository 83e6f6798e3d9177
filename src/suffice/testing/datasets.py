"""Queries and outcomes of two models, drawn from a known truth: who says "prove" asks for more than "list"."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

HARD_WORD, EASY_WORD = "prove", "list"

_THINGS = (
    "primes",
    "rivers",
    "graphs",
    "planets",
    "verbs",
    "prices",
    "matrices",
    "recipes",
    "knots",
    "clocks",
    "tides",
)
_P_OK = {HARD_WORD: {"small": 0.25, "large": 0.8}, EASY_WORD: {"small": 0.85, "large": 0.9}}


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows as JSON Lines; NaN is written as Python does."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def draw_rows(n: int, *, seed: int = 0) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of `queries` and of `outcomes` of the models `small` and `large`; no two prompts are alike."""
    rng = np.random.default_rng(seed)
    queries: list[dict[str, Any]] = []
    outcomes: list[dict[str, Any]] = []
    for index in range(n):
        word = HARD_WORD if rng.random() < 0.4 else EASY_WORD
        things = rng.choice(_THINGS, size=7).tolist()
        prompt = f"{word} {' '.join(things)}"
        name = f"q{index}"
        queries.append({"query_id": name, "category": "proofs" if word == HARD_WORD else "lists", "prompt": prompt})
        for model, p_ok in _P_OK[word].items():
            score = float(rng.random() < p_ok)
            outcomes.append({"query_id": name, "model": model, "score": score, "response": "So be it."})
    return queries, outcomes


def write_outcomes(folder: Path, n: int, *, seed: int = 0) -> tuple[Path, Path]:
    """Write `draw_rows` into two files of a folder."""
    queries, outcomes = draw_rows(n, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    return write_rows(folder / "queries.jsonl", queries), write_rows(folder / "outcomes.jsonl", outcomes)
