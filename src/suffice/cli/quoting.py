"""Texts in YAML that the commands write."""

import yaml

_WIDTH = 1_000_000
"""Longer than any text here: YAML must not fold them."""


def quote(text: str) -> str:
    """A text as a YAML scalar on one line, whatever is in it."""
    return yaml.safe_dump(text, default_style='"', width=_WIDTH).strip()
