"""The `scorer` section of `suffice.yaml`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ScorerKind = Literal["exemplars", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerConfig:
    """How a turn's complexity is measured."""

    kind: ScorerKind = "exemplars"
    """`exemplars`: similarity to simple and complex sentences; `length`: the naive baseline."""
    form: Literal["rescaled", "report"] = "rescaled"
    """Of `exemplars`: `report` is the published formula, clipped; `rescaled` spreads it over 0 to 10."""
    encoder: Literal["hashed", "minilm"] = "hashed"
    """Of `exemplars`: `hashed` needs nothing; `minilm` needs the extra `encoder`."""
    encoder_path: str | None = None
    """Folder with `model.onnx` and `tokenizer.json` for `minilm`; by default an installed package that carries them."""
    simple: Sequence[str] = ()
    """Your own simple sentences, in place of the shipped ones."""
    complex: Sequence[str] = ()
    """Your own complex sentences, in place of the shipped ones."""
