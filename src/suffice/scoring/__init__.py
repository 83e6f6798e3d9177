"""From a turn to its complexity: pure, and within [0, 10] whatever the text."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from suffice.estimators.encoders import Encoder, HashedEncoder, MiniLmEncoder
from suffice.scoring.config import ScorerConfig, ScorerKind
from suffice.scoring.exemplars import Exemplars, build_exemplars
from suffice.scoring.length import Length
from suffice.scoring.reference import REFERENCE_TURNS
from suffice.vocabulary import Score, Turn

__all__ = ["REFERENCE_TURNS", "Exemplars", "Length", "Scorer", "build"]


class Scorer(Protocol):
    """What `build` makes."""

    @property
    def version(self) -> str:
        """Changes whenever the same turn might get another score."""
        ...

    def score(self, turn: Turn) -> Score:
        """Score one turn; never raises."""
        ...


def build(config: ScorerConfig) -> Scorer:
    """Make the scorer that the configuration asks for.

    Raises:
        ConfigError: The encoder's files or packages are missing, or an example sentence is empty.
    """
    return _BUILDERS[config.kind](config)


def _build_length(_config: ScorerConfig) -> Scorer:
    return Length()


def _build_exemplars(config: ScorerConfig) -> Scorer:
    return build_exemplars(config, _build_encoder(config))


def _build_encoder(config: ScorerConfig) -> Encoder:
    if config.encoder == "hashed":
        return HashedEncoder()
    return MiniLmEncoder(Path(config.encoder_path).expanduser() if config.encoder_path else None)


_BUILDERS: Mapping[ScorerKind, Callable[[ScorerConfig], Scorer]] = {
    "exemplars": _build_exemplars,
    "length": _build_length,
}
