"""Labels: tiers answer a sample of queries, and somebody scores what they said."""

from suffice.lab.label.calls import Asking, Target
from suffice.lab.label.estimate import Forecast
from suffice.lab.label.humans import HumanLabels, read_human_labels
from suffice.lab.label.journal import Journal
from suffice.lab.label.judging import PROMPT_VERSION, Judge
from suffice.lab.label.report import Report, write_report
from suffice.lab.label.scoring import Method, collect
from suffice.lab.label.session import Work, ask_all, forecast, list_measurements, run

__all__ = [
    "PROMPT_VERSION",
    "Asking",
    "Forecast",
    "HumanLabels",
    "Journal",
    "Judge",
    "Method",
    "Report",
    "Target",
    "Work",
    "ask_all",
    "collect",
    "forecast",
    "list_measurements",
    "read_human_labels",
    "run",
    "write_report",
]
