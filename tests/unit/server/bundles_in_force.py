"""Routers whose scores come from a bundle that is not there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from suffice.estimators.bundle import Manifest
from suffice.pipeline.bundle import BundleInForce
from suffice.pipeline.routing import Router
from suffice.testing.fakes import SMALL, FixedScorer, make_router
from suffice.vocabulary import Mode, Turn


@dataclass(frozen=True)
class FixedExplainer:
    def explain(self, turn: Turn) -> Mapping[str, float]:
        return {turn.text: 0.25, "a=b, c\r\nd": -0.125}


def make_bundle(id_: str, *, generic: bool = False, observe_only: str = "") -> BundleInForce:
    manifest = Manifest(
        kind="lexical",
        models=("tiny", "huge"),
        created="2026-11-23",
        metrics={"apgr": 0.7},
        thresholds={"balanced": 3.0},
        generic=generic,
    )
    return BundleInForce(
        id=id_, manifest=manifest, tiers={"tiny": SMALL}, explainer=FixedExplainer(), observe_only=observe_only
    )


def bundled_router(id_: str, *, base: Router | None = None, observe_only: str = "") -> Router:
    """A router by a bundle, with the memory and the switch of another."""
    base = base or make_router(mode=Mode.OBSERVE)
    bundle = make_bundle(id_, generic=bool(observe_only), observe_only=observe_only)
    return replace(base, scorer=FixedScorer(1.0, version=f"learned-{id_}"), bundle=bundle)
