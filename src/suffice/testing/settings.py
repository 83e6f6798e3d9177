"""A configuration file for a gateway over two tiers of loopback upstreams."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

SMALL_MODEL = "small-model"
LARGE_MODEL = "large-model"
RECORDS = "records.sqlite"


def write_settings(
    folder: Path,
    *,
    small: Sequence[str],
    large: Sequence[str],
    sections: Mapping[str, Mapping[str, Any]] | None = None,
    small_tier: Mapping[str, Any] | None = None,
) -> Path:
    """Write `suffice.yaml` for a tier `small` and a tier `large`.

    Args:
        folder: Where the file, and the records beside it, are put.
        small: Addresses of the replicas with `small-model`, without `/v1`.
        large: Addresses of the replicas with `large-model`.
        sections: Further sections, or keys that replace those of a section written here.
        small_tier: Further keys of the tier `small`.

    Returns:
        The file's path.
    """
    document: dict[str, Any] = {
        "tiers": [
            {**_tier("small", SMALL_MODEL, small, price=0.2), **(small_tier or {})},
            _tier("large", LARGE_MODEL, large, price=1.75),
        ],
        "routing": {"mode": "route", "max_complexity": {"small": 4.0}},
        "scorer": {"kind": "length"},
        "recording": {"path": RECORDS},
        "server": {"port": 0},
        "upstream": {"checks": {"path": None}},  # so that upstreams get what a test sends them, and nothing else
    }
    for name, keys in (sections or {}).items():
        document[name] = {**document.get(name, {}), **keys}
    path = folder / "suffice.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def _tier(name: str, model: str, addresses: Sequence[str], *, price: float) -> dict[str, Any]:
    return {
        "name": name,
        "model": model,
        "base_urls": [f"{address}/v1" for address in addresses],
        "supports": {"tools": True, "images": True, "json_schema": True, "logprobs": True},
        "price": {"input": price, "output": price},
    }
