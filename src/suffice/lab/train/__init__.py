"""From outcomes to a bundle: a learned scorer, chosen by cross-validation over prompt groups."""

from suffice.lab.train.bundling import Provenance, assess, write_bundle
from suffice.lab.train.choice import rank
from suffice.lab.train.curve import CurvePoint, learning_curve
from suffice.lab.train.examples import Examples, gather
from suffice.lab.train.training import Fitted, TrainPlan, train_on

__all__ = [
    "CurvePoint",
    "Examples",
    "Fitted",
    "Provenance",
    "TrainPlan",
    "assess",
    "gather",
    "learning_curve",
    "rank",
    "train_on",
    "write_bundle",
]
