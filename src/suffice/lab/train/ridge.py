"""Ridge regression of many targets at once, by conjugate gradients over the rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suffice.lab.metrics import Floats
from suffice.lab.train.kernel import Kernel

_TOLERANCE = 5e-3
_MAX_STEPS = 120


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """Linear models of k targets, told by their rows: weights are X.T @ dual."""

    dual: NDArray[np.float32]
    """Shape (n, k)."""
    intercepts: Floats
    """Shape (k,)."""


def fit(kernel: Kernel, targets: Floats, penalties: Floats) -> Ridge:
    """Minimise |X w + b - t|^2 + penalty |w|^2 for each target by itself.

    It is solved in the rows: (X X^T + penalty I) a = t, w = X^T a, with the mean taken out of targets and of X X^T a,
    so that the intercept is not penalised. Steps end when each residual is 0.5 % of its target: what is left out moves
    predictions by far less than the noise of the answers does.

    Args:
        kernel: X X^T of n texts.
        targets: Shape (n, k).
        penalties: Above 0, shape (k,).

    Source:
        Hestenes and Stiefel 1952, "Methods of conjugate gradients for solving linear systems".
    """
    means = targets.mean(axis=0)
    wanted = (targets - means).astype(np.float32)
    penalty = penalties.astype(np.float32)
    dual = np.zeros_like(wanted)
    residual = wanted.copy()
    direction = residual.copy()
    squared = _dots(residual, residual)
    enough = squared * _TOLERANCE**2
    for _ in range(_MAX_STEPS):
        running = squared > enough
        if not running.any():
            break
        moved = _centre(kernel.apply(direction)) + penalty * direction
        length = np.where(running, squared / np.maximum(_dots(direction, moved), 1e-30), 0.0)
        dual += length.astype(np.float32) * direction
        residual -= length.astype(np.float32) * moved
        new = _dots(residual, residual)
        ratio = np.where(running, new / np.maximum(squared, 1e-30), 0.0)
        direction = residual + ratio.astype(np.float32) * direction
        squared = np.where(running, new, squared)
    return Ridge(dual, means - kernel.apply(dual).mean(axis=0).astype(np.float64))


def _centre(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values - values.mean(axis=0)


def _dots(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scalar products column by column, shape (k,)."""
    return np.sum(left * right, axis=0)
