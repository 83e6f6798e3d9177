"""A linear model over the words of a text, as it is trained and as it is served."""

from suffice.estimators.lexical.features import SparseRows, extract
from suffice.estimators.lexical.landmarks import Landmarks
from suffice.estimators.lexical.layout import Layout
from suffice.estimators.lexical.model import Lexical
from suffice.estimators.lexical.router import KIND, LexicalRouter, Rating, Trained, build, layout_of
from suffice.estimators.lexical.shapes import Contribution

__all__ = [
    "KIND",
    "Contribution",
    "Landmarks",
    "Layout",
    "Lexical",
    "LexicalRouter",
    "Rating",
    "SparseRows",
    "Trained",
    "build",
    "extract",
    "layout_of",
]
