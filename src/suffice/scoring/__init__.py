"""From a turn to its complexity: pure, and within [0, 10] whatever the text."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from suffice.estimators.encoders import Encoder, HashedEncoder, MiniLmEncoder
from suffice.scoring.config import ScorerConfig
from suffice.scoring.exemplars import Exemplars, build_exemplars
from suffice.scoring.learned import Learned, bundle_path, load_learned
from suffice.scoring.length import Length
from suffice.scoring.reference import REFERENCE_TURNS
from suffice.vocabulary import Score, TierName, Turn

__all__ = ["REFERENCE_TURNS", "Exemplars", "Learned", "Length", "Scorer", "build", "bundle_path"]


class Scorer(Protocol):
    """What `build` makes."""

    @property
    def version(self) -> str:
        """Changes whenever the same turn might get another score."""
        ...

    def score(self, turn: Turn) -> Score:
        """Score one turn; never raises."""
        ...


def build(
    config: ScorerConfig, *, folder: Path = Path(), models: Mapping[TierName, str] = MappingProxyType({})
) -> Scorer:
    """Make the scorer that the configuration asks for.

    Args:
        config: The `scorer` section.
        folder: What a relative path of a bundle is relative to.
        models: What each tier's model is called, for `p_ok`.

    Raises:
        ConfigError: The encoder's files or packages are missing, or an example sentence is empty.
        BundleError: The bundle is missing, corrupt, too new, or another program's.
    """
    if config.kind == "learned":
        return load_learned(bundle_path(config, folder), models)
    return Length() if config.kind == "length" else build_exemplars(config, _build_encoder(config))


def _build_encoder(config: ScorerConfig) -> Encoder:
    if config.encoder == "hashed":
        return HashedEncoder()
    return MiniLmEncoder(Path(config.encoder_path).expanduser() if config.encoder_path else None)
