"""Request bodies, one JSON document a line: of no two requests the prompts are alike."""

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import numpy as np

from suffice.features import estimate_tokens
from suffice.testing import SMALL_MODEL
from varied_prompts import chars_per_token, make_prompt, read_sentences

FEWEST_TOKENS, MOST_TOKENS = 63, 405
NEW_WORD_SHARE = 0.02
"""Of words that nobody ever wrote, as names and codes are."""
SEED = 4


class Kind(StrEnum):
    """What the client asks for."""

    PLAIN = "plain"
    NAMED = "plain, tier named"
    """Nothing is to be decided."""
    STREAM = "stream"
    STREAM_WITH_USAGE = "stream with usage"

    @property
    def is_streamed(self) -> bool:
        """Whether the answer comes as events."""
        return self in {Kind.STREAM, Kind.STREAM_WITH_USAGE}


_ASKED: Mapping[Kind, Mapping[str, object]] = {
    Kind.PLAIN: {},
    Kind.NAMED: {"model": SMALL_MODEL},
    Kind.STREAM: {"stream": True},
    Kind.STREAM_WITH_USAGE: {"stream": True, "stream_options": {"include_usage": True}},
}


def make_varied(n: int) -> list[str]:
    """Prompts of 63 to 405 tokens, as estimated; every length is as frequent."""
    rng = np.random.default_rng(SEED)
    sentences = read_sentences()
    ratio = chars_per_token(sentences)
    prompts: list[str] = []
    while len(prompts) < n:
        n_tokens = int(rng.integers(FEWEST_TOKENS, MOST_TOKENS + 1))
        prompt = make_prompt(sentences, round(n_tokens * ratio), rng, NEW_WORD_SHARE)
        if FEWEST_TOKENS <= estimate_tokens(prompt) <= MOST_TOKENS:
            prompts.append(prompt)
    return prompts


def bodies(kind: Kind, prompts: Sequence[str]) -> Iterator[str]:
    """A request for each prompt."""
    for prompt in prompts:
        messages = [{"role": "user", "content": prompt}]
        document = {"model": "auto", "messages": messages, "max_tokens": 512, "temperature": 0.7, **_ASKED[kind]}
        yield json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def write_bodies(folder: Path, prompts: Sequence[str]) -> dict[Kind, Path]:
    """Write a file of bodies for each kind."""
    files = {kind: folder / f"{kind.name.lower()}.jsonl" for kind in Kind}
    for kind, file in files.items():
        file.write_text("".join(f"{body}\n" for body in bodies(kind, prompts)), encoding="utf-8")
    return files
