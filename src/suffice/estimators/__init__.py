"""Inference of what was trained or measured elsewhere: encoders and quantile maps, in numpy."""

from suffice.estimators.quantiles import QuantileMap

__all__ = ["QuantileMap"]
