"""The decision cache: scores of turns and escalations of prompts, never decisions.

Thresholds and modes may change at any time, so a decision is made afresh from what is kept here.
"""

import sys
from collections.abc import Callable
from hashlib import blake2b

import msgspec

from suffice.caching.bounded import BoundedCache
from suffice.caching.config import CacheConfig
from suffice.vocabulary import Score, TierName, Turn

_ESCALATIONS_BYTES = 150
_SCORE_BYTES = 250
_NAMED_VALUE_BYTES = 100


class Escalations(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How often one prompt was escalated."""

    count: float
    """Aged, as of `at`."""
    at: float
    """Clock, seconds."""
    to: TierName
    """Where the last one ended."""


class DecisionCache:
    """Scores by turn, shared by identical turns of all conversations; escalations by whole prompt.

    A turn is not enough to know an escalation by: "yes, do it" is hard after one plan and easy after another.
    """

    def __init__(self, config: CacheConfig, *, clock: Callable[[], float]) -> None:
        self._scores = BoundedCache[Score](
            max_entries=config.max_entries, max_bytes=config.max_bytes, ttl_s=config.ttl_s, clock=clock
        )
        self._escalations = BoundedCache[Escalations](
            max_entries=config.max_entries, max_bytes=config.max_bytes, ttl_s=config.ttl_s, clock=clock
        )

    def __len__(self) -> int:
        return len(self._scores)

    @property
    def n_bytes(self) -> int:
        """Estimated memory of what is held."""
        return self._scores.n_bytes + self._escalations.n_bytes

    def score(self, key: bytes) -> Score | None:
        """The score under a key made by `turn_key`."""
        return self._scores.get(key)

    def put_score(self, key: bytes, score: Score) -> None:
        """Keep a fresh score."""
        n_names = len(score.explanation) + len(score.p_ok)
        size_bytes = sys.getsizeof(score) + _SCORE_BYTES + _NAMED_VALUE_BYTES * n_names
        self._scores.put(key, score, size_bytes=size_bytes)

    def escalations(self, prompt: bytes) -> Escalations | None:
        """What is remembered of a prompt, by the digest of its messages."""
        return self._escalations.get(prompt)

    def put_escalations(self, prompt: bytes, escalations: Escalations) -> None:
        """Remember a prompt's escalations."""
        self._escalations.put(prompt, escalations, size_bytes=_ESCALATIONS_BYTES)


def turn_digest(turn: Turn) -> bytes:
    """Digest of everything a scorer may look at, 16 bytes."""
    looked_at = f"{turn.n_tokens}\0{turn.n_constant_tokens}\0{turn.text}"
    return blake2b(looked_at.encode(errors="surrogatepass"), digest_size=16).digest()


def turn_key(scorer_version: str, digest: bytes) -> bytes:
    """Key of a turn's score, from the turn's digest."""
    return scorer_version.encode() + digest
