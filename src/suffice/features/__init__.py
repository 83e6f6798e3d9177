"""From a request to what routing knows of it."""

from suffice.features.conversation import read
from suffice.features.tokens import estimate_prompt_tokens, estimate_tokens

__all__ = ["estimate_prompt_tokens", "estimate_tokens", "read"]
