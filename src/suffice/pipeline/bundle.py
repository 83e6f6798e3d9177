"""The bundle that a router's scores come from."""

from collections.abc import Mapping
from dataclasses import dataclass

from suffice.estimators.bundle import Manifest
from suffice.pipeline.ports import Explainer
from suffice.vocabulary import TierName


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleInForce:
    """What is known of a bundle besides its scores."""

    id: str
    manifest: Manifest
    tiers: Mapping[str, TierName]
    """By the bundle's names of their models; the others have no tier here."""
    explainer: Explainer
    observe_only: str = ""
    """Why nothing may be routed by it; empty: it may."""
