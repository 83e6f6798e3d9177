"""Outcomes drawn from a known truth, ready to be trained on, and small models of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.lexical import Layout, Lexical, Trained, extract
from suffice.lab.metrics import Floats
from suffice.lab.train.design import TextFeatures
from suffice.lab.train.examples import Examples

LAYOUT = Layout(word_bits=10, run_bits=11, pair_bits=0)
"""Small, so that training takes a tenth of a second."""

ODD_TEXTS = (
    "",
    "?!",
    "  \n\t",
    "prove",
    "\ud800 prove 東京大学 \u202e\x00",
    "Ω" * 9_000,
    "prove it. " * 2_000,
    "$\\" * 500,
)
"""Of no words, of no Unicode, far longer than is read, and full of marks."""

HARD_WORD = "prove"
_WORDS = ("primes", "rivers", "graphs", "planets", "verbs", "prices", "matrices", "recipes", "knots", "clocks", "tides")
_P_OK_HARD, _P_OK_EASY = (0.2, 0.85), (0.85, 0.9)


def draw_texts(n: int, rng: np.random.Generator, *, lengths: tuple[int, int] = (4, 9)) -> list[str]:
    """Texts of some of eleven words; four of ten begin with a hard one."""
    texts = [" ".join(rng.choice(_WORDS, size=int(rng.integers(*lengths)))) for _ in range(n)]
    return [f"{HARD_WORD if rng.random() < 0.4 else 'list'} {text}" for text in texts]


def say_hard(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which of the texts are hard, by their word."""
    return np.array([HARD_WORD in text for text in texts])


def draw_examples(n: int = 100, *, seed: int = 0, n_others: int = 0, with_categories: bool = False) -> Examples:
    """Examples of two models, the small one of which seldom proves anything.

    Args:
        n: Texts.
        seed: Of all that is drawn.
        n_others: Further models, whose outcomes follow the same truth.
        with_categories: Name the hard and the easy ones.
    """
    rng = np.random.default_rng(seed)
    texts = draw_texts(n, rng)
    return make_examples(texts, say_hard(texts), rng, n_others=n_others, with_categories=with_categories)


def make_examples(
    texts: Sequence[str],
    is_hard: NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    n_others: int = 0,
    with_categories: bool = False,
) -> Examples:
    """Examples of two models on these texts; no two are of one group."""
    p_ok = np.where(is_hard[:, None], _P_OK_HARD, _P_OK_EASY)
    p_others = np.repeat(np.where(is_hard[:, None], 0.3, 0.8), n_others, axis=1)
    names = np.where(is_hard, "proofs", "lists").tolist()
    return Examples(
        models=("small", "large"),
        texts=texts,
        groups=[f"g{index}" for index in range(len(texts))],
        categories=names if with_categories else None,
        scores=(rng.random(p_ok.shape) < p_ok).astype(np.float64),
        other_scores=(rng.random(p_others.shape) < p_others).astype(np.float64),
        left_out={},
    )


def read_features(texts: Sequence[str], layout: Layout = LAYOUT) -> TextFeatures:
    """Features of texts as training sees them."""
    return TextFeatures.of(extract(texts, layout), layout)


def serve(trained: Trained, texts: Sequence[str]) -> Floats:
    """The outputs of a trained model as it is served, before it is rounded to 16 bits, shape (n, n_outputs)."""
    model = Lexical(trained.weights, trained.intercepts, trained.layout, trained.vocabulary, trained.landmarks)
    return np.array([model(text) for text in texts])
