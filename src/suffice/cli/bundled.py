"""What a bundle says of itself, and of a prompt, without a gateway."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suffice.estimators.bundle import load
from suffice.features import read
from suffice.scoring.learned import Learned
from suffice.vocabulary import TierName
from suffice.wire.request import Endpoint, parse


def rate(path: Path, body: Mapping[str, Any]) -> dict[str, Any]:
    """Score a chat request by a bundle.

    Args:
        path: The bundle's file.
        body: The request.

    Returns:
        The score, what moved it, and which model would come first by each of the bundle's thresholds.

    Raises:
        BundleError: The bundle cannot be used.
    """
    bundle = load(path)
    manifest = bundle.manifest
    learned = Learned(bundle, {model: TierName(model) for model in manifest.models})
    turn = read(parse(Endpoint.CHAT, json.dumps(body).encode()), max_turns=1).turns[0]
    score = learned.score(turn)
    return {
        "complexity": score.complexity,
        "p_ok": dict(score.p_ok),
        "first": {
            name: manifest.models[0] if score.complexity <= limit else manifest.models[-1]
            for name, limit in manifest.thresholds.items()
        },
        "thresholds": dict(manifest.thresholds),
        "scorer": learned.version,
        "bundle": bundle.id,
        "created": manifest.created,
        "generic": manifest.generic,
        "explanation": dict(learned.explain(turn)),
        "features": {"n_turn_tokens": turn.n_tokens, "n_constant_tokens": turn.n_constant_tokens},
    }


def describe_bundle(learned: Learned) -> dict[str, Any]:
    """A bundle for machines."""
    manifest = learned.manifest
    return {
        "id": learned.bundle_id,
        "created": manifest.created,
        "generic": manifest.generic,
        "models": list(manifest.models),
        "tiers": dict(learned.tiers),
        "thresholds": dict(manifest.thresholds),
        "metrics": dict(manifest.metrics),
    }


def bundle_rows(learned: Learned) -> list[tuple[str, str]]:
    """A bundle for people."""
    manifest = learned.manifest
    models = [f"{name} ({learned.tiers.get(name, 'no tier here')})" for name in manifest.models]
    return [
        ("id", learned.bundle_id),
        ("created", manifest.created),
        ("trained on", "public outcomes: it is generic" if manifest.generic else "your own outcomes"),
        ("models", ", ".join(models)),
        ("thresholds", _name_values(manifest.thresholds) or "not calibrated"),
        ("metrics", _name_values(manifest.metrics) or "none"),
    ]


def _name_values(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())
