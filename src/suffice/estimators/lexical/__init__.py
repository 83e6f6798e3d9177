"""A linear model over the words of a text, as it is trained and as it is served."""

from suffice.estimators.lexical.features import SparseRows, extract
from suffice.estimators.lexical.layout import Layout
from suffice.estimators.lexical.model import Contribution, Lexical
from suffice.estimators.lexical.router import KIND, LexicalRouter, Rating, Trained, build

__all__ = [
    "KIND",
    "Contribution",
    "Layout",
    "Lexical",
    "LexicalRouter",
    "Rating",
    "SparseRows",
    "Trained",
    "build",
    "extract",
]
