"""Complexity by likeness to simple and complex example sentences: the popular recipe, kept as a named baseline.

On recorded outcomes it does about as well as chance; `docs/explanation/exemplars.md` has the figures.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Literal

import numpy as np

from suffice.errors import ConfigError, Mistake
from suffice.estimators import QuantileMap
from suffice.estimators.encoders import Encoder
from suffice.scoring.config import ScorerConfig
from suffice.scoring.reference import REFERENCE_TURNS
from suffice.scoring.sentences import COMPLEX, SIMPLE
from suffice.vocabulary import FEATURES_VERSION, MAX_COMPLEXITY, Score, Turn

Form = Literal["rescaled", "report"]


class Exemplars:
    """Scores a turn by its mean cosine with the simple sentences, s_simple, and with the complex ones, s_complex.

    The published recipe says "similarity" to a set; the mean over the set is its usual reading, and both forms use it.

    `report`: 10 s_complex / (s_simple + s_complex + 0.01), clipped to [0, 10], because cosines can be negative and the
    published formula then leaves the scale; where its denominator is 0, the turn counts as hard.

    `rescaled`: the place of s_complex - s_simple among those of `REFERENCE_TURNS`, so that complexity 4.0 is what 40 %
    of them stay below.
    """

    def __init__(self, encoder: Encoder, *, form: Form, simple: Sequence[str], complex_: Sequence[str]) -> None:
        """Encode the sentences, and for `rescaled` the reference turns too; both sequences hold one or more."""
        self._encoder = encoder
        encoded = [encoder.encode(sentences).mean(axis=0, dtype=np.float64) for sentences in (simple, complex_)]
        # The mean of cosines with unit vectors is the dot product with their mean.
        self._centres = np.stack(encoded, axis=1)
        self._to_complexity = _report if form == "report" else self._rescale_on_reference()
        content = (simple, complex_, [turn.text for turn in REFERENCE_TURNS] if form == "rescaled" else [])
        self.version = f"exemplars-{form}-{encoder.version}-{_digest(content)}-f{FEATURES_VERSION}"

    def score(self, turn: Turn) -> Score:
        """Score one turn by its text; the explanation holds both similarities."""
        s_simple, s_complex = self._similarities(turn.text)
        return Score(
            complexity=self._to_complexity(s_simple, s_complex),
            explanation={"s_simple": s_simple, "s_complex": s_complex, "n_tokens": float(turn.n_tokens)},
        )

    def _similarities(self, text: str) -> tuple[float, float]:
        s_simple, s_complex = self._encoder.encode([text])[0].astype(np.float64) @ self._centres
        return float(s_simple), float(s_complex)

    def _rescale_on_reference(self) -> Callable[[float, float], float]:
        reference = (self._similarities(turn.text) for turn in REFERENCE_TURNS)
        rescale = QuantileMap(s_complex - s_simple for s_simple, s_complex in reference)
        return lambda s_simple, s_complex: rescale(s_complex - s_simple)


def build_exemplars(config: ScorerConfig, encoder: Encoder) -> Exemplars:
    """Make the scorer with the operator's own sentences, or the shipped ones where he gives none.

    Raises:
        ConfigError: A sentence is empty; names every one.
    """
    stated = {"simple": config.simple, "complex": config.complex}
    mistakes = [
        Mistake(f"scorer.{name}[{index}]", sentence, "is empty; write an example sentence or remove the line")
        for name, sentences in stated.items()
        for index, sentence in enumerate(sentences)
        if not sentence.strip()
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return Exemplars(encoder, form=config.form, simple=config.simple or SIMPLE, complex_=config.complex or COMPLEX)


def _report(s_simple: float, s_complex: float) -> float:
    whole = s_simple + s_complex + 0.01
    if whole == 0:
        return MAX_COMPLEXITY
    return min(MAX_COMPLEXITY, max(0.0, MAX_COMPLEXITY * s_complex / whole))


def _digest(content: tuple[Sequence[str], ...]) -> str:
    """Eight hexadecimal digits that change with any of the texts or their order."""
    digest = blake2b(digest_size=4)
    for texts in content:
        for text in texts:
            digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(b"\1")
    return digest.hexdigest()
