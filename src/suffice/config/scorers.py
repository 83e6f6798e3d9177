"""Checks of the `scorer` section: settings that its kind reads, and models that tiers have."""

import dataclasses

from suffice.config.expectations import suggest
from suffice.config.findings import Findings
from suffice.config.sections import Config
from suffice.scoring.config import ScorerConfig

_OF_EXEMPLARS = ("form", "encoder", "encoder_path", "simple", "complex")
_OF_LEARNED = ("bundle", "models")
_DEFAULTS = {field.name: getattr(ScorerConfig(), field.name) for field in dataclasses.fields(ScorerConfig)}


def check_scorer(config: Config, findings: Findings) -> None:
    """Check that nothing in the section is without effect, and that a model's name leads to one tier."""
    if findings.is_broken(("scorer", "kind")):
        return
    scorer = config.scorer
    stated = [name for name, default in _DEFAULTS.items() if getattr(scorer, name) != default]
    for name in stated:
        if name in _OF_EXEMPLARS and scorer.kind != "exemplars":
            findings.warn(("scorer", name), f"is for `kind: exemplars`, and kind is {scorer.kind}: it does nothing")
        if name in _OF_LEARNED and scorer.kind != "learned":
            findings.add(("scorer", name), f"is for `kind: learned`, and kind is {scorer.kind}; change one of them")
    if scorer.bundle is not None and (not scorer.bundle.strip() or "\0" in scorer.bundle):
        findings.add(("scorer", "bundle"), "names no file; leave it out for the shipped generic bundle")
    if scorer.kind == "learned":
        _check_models(config, findings)


def _check_models(config: Config, findings: Findings) -> None:
    tiers = [tier.name for tier in config.tiers]
    place = ("scorer", "models")
    named: dict[str, str] = {}
    for name in config.scorer.models:
        if name not in tiers and all(tiers):
            findings.add_broken((*place, name), f"names no tier{suggest(name, tiers)}")
    for tier in config.tiers:
        first = named.setdefault(config.scorer.models.get(tier.name, tier.model), tier.name)
        stated, other = (tier.name, first) if tier.name in config.scorer.models else (first, tier.name)
        if first != tier.name and stated in config.scorer.models:
            findings.add((*place, stated), f"is also the model of {other!r}; a model in the bundle is one tier's")
