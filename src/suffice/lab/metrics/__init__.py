"""What a router is worth on paired outcomes: figures, intervals by group, and the controls beside them."""

from suffice.lab.metrics.bootstrap import Figure, Resamples, join
from suffice.lab.metrics.calibration import auc, brier_score, expected_calibration_error, perfect_ece_quantile
from suffice.lab.metrics.controls import category_only, length, oracle, shuffled
from suffice.lab.metrics.evaluation import Control, Evaluation, GainFigures, PairedOutcomes, Plan, evaluate
from suffice.lab.metrics.gain import GainCurve, PairedScores
from suffice.lab.metrics.ranking import Floats, Ranking

__all__ = [
    "Control",
    "Evaluation",
    "Figure",
    "Floats",
    "GainCurve",
    "GainFigures",
    "PairedOutcomes",
    "PairedScores",
    "Plan",
    "Ranking",
    "Resamples",
    "auc",
    "brier_score",
    "category_only",
    "evaluate",
    "expected_calibration_error",
    "join",
    "length",
    "oracle",
    "perfect_ece_quantile",
    "shuffled",
]
