"""The report on a bundle, as one HTML file."""

from suffice.lab.report.page import render

__all__ = ["render"]
