"""The metrics again, one prompt after another and in exact fractions, as their definitions say."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby, pairwise

import numpy as np


def curve_by_hand(
    complexity: Sequence[float], small: Sequence[float], large: Sequence[float]
) -> list[tuple[Fraction, Fraction]]:
    """Share and mean score after each distinct complexity, highest first, from (0, the small model's score)."""
    n = len(complexity)
    hardest_first = sorted(range(n), key=lambda prompt: -complexity[prompt])
    share, score = Fraction(0), sum(map(Fraction, small), Fraction(0)) / n
    points = [(share, score)]
    for _, equals in groupby(hardest_first, key=lambda prompt: complexity[prompt]):
        for prompt in equals:
            share += Fraction(1, n)
            score += (Fraction(large[prompt]) - Fraction(small[prompt])) / n
        points.append((share, score))
    return points


def score_by_hand(points: list[tuple[Fraction, Fraction]], share: float) -> float:
    for (left, low), (right, high) in pairwise(points):
        if left <= share <= right:
            return float(low + (high - low) * (Fraction(share) - left) / (right - left))
    raise AssertionError(share)


def apgr_by_hand(points: list[tuple[Fraction, Fraction]]) -> float:
    weak, strong = points[0][1], points[-1][1]
    area = Fraction(0)
    for (left, low), (right, high) in pairwise(points):
        area += (right - left) * ((low - weak) + (high - weak)) / 2
    return float(area / (strong - weak))


def cpt_by_hand(points: list[tuple[Fraction, Fraction]], target: Fraction) -> float:
    """Walk from the left to the first place where the straight line between two points reaches the target."""
    weak, strong = points[0][1], points[-1][1]
    wanted = weak + target * (strong - weak)
    for (left, low), (right, high) in pairwise(points):
        if low >= wanted:
            return float(left)
        if high >= wanted:
            return float(left + (right - left) * (wanted - low) / (high - low))
    return float(points[-1][0])


def eleven_points_by_hand(
    complexity: Sequence[float], small: Sequence[float], large: Sequence[float]
) -> list[tuple[Fraction, Fraction]]:
    """RouteLLM's procedure: one routing per decile, told by its share and score, from the smallest share."""
    n = len(complexity)
    points: list[tuple[Fraction, Fraction]] = []
    rising = sorted(complexity)
    for tenth in range(11):
        place = Fraction(tenth * (n - 1), 10)
        below, above = rising[int(place)], rising[min(int(place) + 1, n - 1)]
        threshold = Fraction(below) + (Fraction(above) - Fraction(below)) * (place - int(place))
        to_large = [one > threshold if tenth == 10 else one >= threshold for one in complexity]
        right = [large[prompt] if to_large[prompt] else small[prompt] for prompt in range(n)]
        points.append((Fraction(sum(to_large), n), sum(map(Fraction, right), Fraction(0)) / n))
    return sorted(points)


def auc_by_hand(complexity: Sequence[float], positive: Sequence[float]) -> float:
    """Over all pairs of a positive and a negative: 1 if the positive is higher, a half if equal."""
    pairs = [
        (above, below)
        for above, is_positive in zip(complexity, positive, strict=True)
        for below, other in zip(complexity, positive, strict=True)
        if is_positive and not other
    ]
    return sum(1.0 if above > below else 0.5 if above == below else 0.0 for above, below in pairs) / len(pairs)


def ece_by_hand(p: Sequence[float], ok: Sequence[float], bins: int) -> float:
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [place for place, one in enumerate(p) if low <= one < high or (one == high == 1.0)]
        if inside:
            predicted = sum(p[place] for place in inside) / len(inside)
            observed = sum(ok[place] for place in inside) / len(inside)
            total += len(inside) / len(p) * abs(predicted - observed)
    return total


def random_pairs(seed: int, n: int = 40) -> tuple[list[float], list[float], list[float]]:
    """Complexities with many ties, and both models' scores in quarters, the large one better on average."""
    rng = np.random.default_rng(seed)
    complexity = rng.integers(0, 12, n).astype(float).tolist()
    small = (rng.integers(0, 4, n) / 4).tolist()
    large = (rng.integers(1, 5, n) / 4).tolist()
    return complexity, small, large
