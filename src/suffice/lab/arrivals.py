"""When requests arrive."""

import numpy as np
from numpy.typing import NDArray


def poisson_times(n: int, rate: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Arrival times of `n` independent clients.

    Args:
        n: How many arrivals.
        rate: Mean arrivals per second.
        rng: Source of randomness.

    Returns:
        Seconds from the start, rising, shape (n,); the gaps are exponential with mean 1 / rate.

    Raises:
        ValueError: `n` is negative, or `rate` is not a positive number.
    """
    if n < 0 or not (0 < rate < float("inf")):
        raise ValueError(f"need n >= 0 and a positive, finite rate; got n {n}, rate {rate}")
    return np.cumsum(rng.exponential(1.0 / rate, n))
