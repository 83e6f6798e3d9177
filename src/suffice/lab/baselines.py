"""The shipped scorers as controls, rated by the same policy as the router they stand beside."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.encoders import Encoder, HashedEncoder
from suffice.lab.metrics import Floats
from suffice.lab.rating import TURN_DECAY, Rater
from suffice.scoring.config import ScorerConfig
from suffice.scoring.exemplars import build_exemplars
from suffice.vocabulary import Features

_FORMS: tuple[tuple[str, Literal["rescaled", "report"]], ...] = (
    ("exemplars", "rescaled"),
    ("exemplars-report", "report"),
)
_REMEMBERED = 64


class _Remembering:
    """An encoder that does not encode the text of just now again: both forms look at the same vectors."""

    def __init__(self, encoder: Encoder) -> None:
        self.version = encoder.version
        self._encoder = encoder
        self._known: dict[tuple[str, ...], NDArray[np.float32]] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts, shape (n, d)."""
        key = tuple(texts)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = self._encoder.encode(texts)
        return self._known[key]


def rate_exemplars(requests: Sequence[Features], *, turn_decay: float = TURN_DECAY) -> dict[str, Floats]:
    """Complexities by the popular recipe, rescaled and as published, with the encoder that needs nothing."""
    encoder = _Remembering(HashedEncoder())
    raters = {
        name: Rater(build_exemplars(ScorerConfig(form=form, encoder="hashed"), encoder), turn_decay)
        for name, form in _FORMS
    }
    rows = [[rater.rate(features).complexity for rater in raters.values()] for features in requests]
    return dict(zip(raters, np.array(rows, dtype=np.float64).T, strict=True))
