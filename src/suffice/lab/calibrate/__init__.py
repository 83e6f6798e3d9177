"""Thresholds for stated aims."""

from suffice.lab.calibrate.aims import Aim, Cost, LargeShare, Quality
from suffice.lab.calibrate.calibration import Calibration, calibrate, set_threshold
from suffice.lab.calibrate.choices import Choices
from suffice.lab.calibrate.prices import Bill, Prices, make_bill
from suffice.lab.calibrate.sample import Sample, sample_queries, sample_trial

__all__ = [
    "Aim",
    "Bill",
    "Calibration",
    "Choices",
    "Cost",
    "LargeShare",
    "Prices",
    "Quality",
    "Sample",
    "calibrate",
    "make_bill",
    "sample_queries",
    "sample_trial",
    "set_threshold",
]
