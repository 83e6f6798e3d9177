"""What every encoder does."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """Turns texts into vectors."""

    @property
    def version(self) -> str:
        """Changes whenever the same text might get another vector."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts, shape (n, d), each row of unit length; any text will do, the empty one included."""
        ...


def normalise(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows scaled to unit length, shape (n, d); a row of zeros becomes the first unit vector."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    units = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    units[norms[:, 0] == 0, 0] = 1.0
    return units


def readable(text: str, *, max_chars: int) -> str:
    """The text as valid Unicode, cut to its first and last halves of `max_chars`: what is asked stands at the ends."""
    if len(text) > max_chars:
        text = f"{text[: max_chars // 2]}\n{text[-max_chars // 2 :]}"
    return text.encode("utf-8", "replace").decode()
