"""Texts of configuration files, and what becomes of them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from suffice.config import Loaded, parse
from suffice.errors import ConfigError, Mistake

TWO_TIERS = """\
tiers:
  - name: small
    model: llama-8b
    base_urls: ["http://127.0.0.1:8000/v1"]
    price: {input: 0.2, output: 0.2}
  - name: large
    model: llama-70b
    base_urls: ["http://127.0.0.1:8001/v1"]
    price: {input: 1.75, output: 1.75}
"""
THREE_TIERS = (
    TWO_TIERS
    + """\
  - name: huge
    model: llama-405b
    base_urls: ["http://127.0.0.1:8002/v1"]
    price: {input: 4, output: 4}
"""
)
KEY_HASH = "sha256:" + "0123456789abcdef" * 4


def load_text(text: str, environ: Mapping[str, str] | None = None, *, allow_open: bool = False) -> Loaded:
    return parse(text, environ or {}, folder=Path(), allow_open=allow_open)


def mistakes_in(text: str, environ: Mapping[str, str] | None = None) -> list[Mistake]:
    with pytest.raises(ConfigError) as caught:
        load_text(text, environ)
    return list(caught.value.mistakes)


def only_mistake(text: str, environ: Mapping[str, str] | None = None) -> Mistake:
    mistakes = mistakes_in(text, environ)
    assert len(mistakes) == 1, mistakes
    return mistakes[0]
