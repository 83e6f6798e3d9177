"""The `scorer` section of `suffice.yaml`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

ScorerKind = Literal["learned", "exemplars", "length"]

DEFAULT_KIND: ScorerKind = "learned"
"""What a file gets that names no kind; what `suffice init` writes follows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerConfig:
    """How a turn's complexity is measured."""

    kind: ScorerKind = DEFAULT_KIND
    """`learned`: a model trained on outcomes; `exemplars`: similarity to simple and complex sentences; `length`: the
    naive baseline."""
    bundle: str | None = None
    """Of `learned`: the bundle's file, relative to the configuration file; by default the shipped generic one."""
    models: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of `learned`: by tier, the name that its model has in the bundle, where that is not the tier's `model`."""
    reload_s: Annotated[float, Meta(ge=0, le=3600)] = 2.0
    """Of `learned`: a running gateway looks this often whether the bundle's file was replaced; 0: only when told."""
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
