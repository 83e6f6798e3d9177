"""How a loopback upstream behaves, whatever is asked of it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Dialect(StrEnum):
    """Whose habits the upstream imitates where OpenAI-compatible servers differ."""

    OPENAI = "openai"
    """`"usage":null` in every chunk but the last, OpenAI's error codes, `refusal` and `annotations`."""
    VLLM = "vllm"
    """No `usage` key but in the last chunk, `stop_reason`, reasoning deltas, vLLM's error texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackOptions:
    """Settings of one loopback upstream."""

    models: tuple[str, ...] = ("loopback",)
    """Names it answers to; any other is a 404."""
    name: str = "loopback"
    """What directives call this server: `!status 500 on NAME`."""
    dialect: Dialect = Dialect.OPENAI
    context_tokens: int = 8192
    """Prompt and answer together; more is a 400, as at OpenAI and vLLM."""
    n_words: int = 12
    """Length of an answer that nothing else limits."""
    first_token_s: float = 0.0
    """Time before the first token."""
    tokens_per_s: float | None = None
    """Speed of every answer; None: as fast as it goes."""
    slots: int | None = None
    """Answers at once; more wait for as long as it takes, as in a model server. None: as many as come."""
    always: str = ""
    """Directives that hold for every request, before those of its message; `;` between them."""
    echo: bool = False
    """Tell in each answer which fields arrived, with the SHA-256 of each value's bytes."""
    api_key: str | None = None
    """Requests without this bearer key get a 401."""
    certificate: Path | None = None
    """Serve TLS with this chain and its private key, one PEM file; None: plain HTTP."""
