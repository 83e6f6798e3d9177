"""From outcomes to a bundle: a learned scorer, chosen by cross-validation over prompt groups."""

from suffice.lab.train.bundling import write_bundle
from suffice.lab.train.curve import CurvePoint, learning_curve
from suffice.lab.train.examples import Examples, gather
from suffice.lab.train.training import Fitted, TrainPlan, train

__all__ = [
    "CurvePoint",
    "Examples",
    "Fitted",
    "TrainPlan",
    "gather",
    "learning_curve",
    "train",
    "write_bundle",
]
