"""Prompts with known answers: what models and routers are measured on."""

from collections.abc import Sequence
from enum import StrEnum
from functools import cache

import msgspec

from suffice.lab.checkers import Check
from suffice.upstream.tape import read_tape_file


class Split(StrEnum):
    """Which part of a workload; what trains never reports."""

    TRAIN = "train"
    TEST = "test"
    ALL = "all"


class PromptMessage(msgspec.Struct, frozen=True):
    """One message of a prompt."""

    role: str
    content: str


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt with the check of its answer."""

    id: str
    kind: str
    """What is asked for: `intent`, `lookup`, `code_write`, ..."""
    difficulty: str
    """`simple` or `hard`, as its author meant it; no model saw this."""
    max_tokens: int
    messages: tuple[PromptMessage, ...]
    check: Check
    group: str
    """Near-duplicates share one; intervals are clustered by it."""
    split: Split

    @property
    def question(self) -> str:
        """The last message."""
        return self.messages[-1].content


@cache
def load_desk() -> tuple[Prompt, ...]:
    """The 499 prompts of the shipped tape.

    Raises:
        TapeError: The installation is incomplete.
    """
    return tuple(msgspec.json.Decoder(Prompt).decode_lines(read_tape_file("prompts.jsonl")))


def select(prompts: Sequence[Prompt], split: Split, *, limit: int | None = None) -> tuple[Prompt, ...]:
    """The prompts of a split, at most `limit`, in their order."""
    chosen = tuple(prompt for prompt in prompts if split in (Split.ALL, prompt.split))
    return chosen if limit is None else chosen[:limit]
