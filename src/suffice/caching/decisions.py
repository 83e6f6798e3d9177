"""The decision cache: scores and escalations of prompts, never decisions.

Thresholds and modes may change at any time, so a decision is made afresh from what is kept here.
"""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from suffice.caching.bounded import BoundedCache
from suffice.caching.config import CacheConfig
from suffice.vocabulary import Score, TierName, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is known of one prompt."""

    score: Score
    n_escalations: float = 0.0
    """Aged count, as of `escalated_at`."""
    escalated_at: float = 0.0
    """Clock, seconds."""
    escalated_to: TierName | None = None
    """Where the last escalation ended."""


class DecisionCache:
    """Scores by turn; shared by identical turns of all conversations."""

    def __init__(self, config: CacheConfig, *, clock: Callable[[], float]) -> None:
        self._cache = BoundedCache[Remembered](
            max_entries=config.max_entries, max_bytes=config.max_bytes, ttl_s=config.ttl_s, clock=clock
        )

    def __len__(self) -> int:
        return len(self._cache)

    @property
    def n_bytes(self) -> int:
        """Estimated memory of what is held."""
        return self._cache.n_bytes

    def get(self, key: bytes) -> Remembered | None:
        """What is known under a key made by `turn_key`."""
        return self._cache.get(key)

    def put_score(self, key: bytes, score: Score) -> None:
        """Keep a fresh score."""
        self._put(key, Remembered(score=score))

    def put_escalation(self, key: bytes, *, n_escalations: float, at: float, to: TierName) -> None:
        """Keep an aged count of escalations, beside the score that is known."""
        known = self._cache.get(key)
        if known is not None:
            self._put(key, replace(known, n_escalations=n_escalations, escalated_at=at, escalated_to=to))

    def _put(self, key: bytes, remembered: Remembered) -> None:
        score = remembered.score
        names = len(score.explanation) + len(score.p_ok)
        self._cache.put(key, remembered, size_bytes=sys.getsizeof(remembered) + sys.getsizeof(score) + 256 + 96 * names)


def turn_key(scorer_version: str, turn: Turn) -> bytes:
    """Key of a turn's score: everything a scorer may look at."""
    digest = hashlib.blake2b(digest_size=16)
    counts = f"{scorer_version}\0{turn.n_tokens}\0{turn.n_constant_tokens}\0"
    digest.update(counts.encode())
    digest.update(turn.text.encode(errors="surrogatepass"))
    return digest.digest()
