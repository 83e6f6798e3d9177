"""Prompts of which no two are alike: sentences of the tape and of the reference turns, varied in numbers and words."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from suffice.features import estimate_tokens
from suffice.scoring import REFERENCE_TURNS

TAPE = Path(__file__).parents[1] / "src/suffice/upstream/tapes/desk/prompts.jsonl"
SYLLABLES = ("ka", "lo", "mir", "ten", "u", "sho", "bra", "vi", "del", "nox", "pe", "quo", "ri", "zan", "th", "el")


def read_sentences() -> list[str]:
    """Sentences of the tape's user messages and of the reference turns, each once."""
    texts = [turn.text for turn in REFERENCE_TURNS]
    for line in TAPE.read_text(encoding="utf-8").splitlines():
        texts += [message["content"] for message in json.loads(line)["messages"] if message["role"] == "user"]
    return sorted({part for text in texts for part in re.split(r"(?<=[.!?])\s+", text) if part})


def make_prompts(n: int, n_tokens: int, rng: np.random.Generator, share: float) -> Iterator[str]:
    """Prompts of `n_tokens` on average; a share of their words is made up."""
    sentences = read_sentences()
    n_chars = round(n_tokens * chars_per_token(sentences))
    return (make_prompt(sentences, n_chars, rng, share) for _ in range(n))


def chars_per_token(sentences: Sequence[str]) -> float:
    return sum(map(len, sentences)) / sum(map(estimate_tokens, sentences))


def make_prompt(sentences: Sequence[str], n_chars: int, rng: np.random.Generator, share: float) -> str:
    """Sentences drawn at random, varied, up to a length."""
    text = ""
    while len(text) < n_chars:
        text += vary(sentences[int(rng.integers(len(sentences)))], rng, share) + " "
    return text[:n_chars]


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
