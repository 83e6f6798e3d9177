"""Embeddings and the model list: what else the loopback upstream serves."""

import base64
import hashlib
import struct
from typing import Any

from suffice.testing.loopback.documents import CREATED, Document
from suffice.testing.loopback.options import LoopbackOptions

DEFAULT_DIMENSIONS = 8


def embed(fields: dict[str, Any]) -> Document:
    """Answer `/v1/embeddings`: the same text always has the same vector, in floats or base64."""
    given = fields.get("input") or ""
    texts = [given] if isinstance(given, str) else list(given)
    n_dimensions: int = fields.get("dimensions") or DEFAULT_DIMENSIONS
    vectors = [_vector(str(text), n_dimensions) for text in texts]
    in_base64 = fields.get("encoding_format") == "base64"
    n_tokens = sum(len(str(text).split()) for text in texts)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if in_base64 else vector}
            for index, vector in enumerate(vectors)
        ],
        "model": fields.get("model"),
        "usage": {"prompt_tokens": n_tokens, "total_tokens": n_tokens},
    }


def list_models(options: LoopbackOptions) -> Document:
    """Answer `/v1/models`, with vLLM's `max_model_len`."""
    cards = [
        {
            "id": model,
            "object": "model",
            "created": CREATED,
            "owned_by": "loopback",
            "max_model_len": options.context_tokens,
        }
        for model in options.models
    ]
    return {"object": "list", "data": cards}


def _vector(text: str, n_dimensions: int) -> list[float]:
    stream = hashlib.shake_256(text.encode()).digest(2 * n_dimensions)
    return [value / 32768 for value in struct.unpack(f"<{n_dimensions}h", stream)]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
