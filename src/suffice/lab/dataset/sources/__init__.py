"""Logs of other programs, and the gateway's own records, as queries and outcomes: one module for each."""

from suffice.lab.dataset.sources.call import Columns, ImportOptions
from suffice.lab.dataset.sources.collecting import Collection, collect
from suffice.lab.dataset.sources.detecting import READERS, LogFormat, detect_format

__all__ = ["READERS", "Collection", "Columns", "ImportOptions", "LogFormat", "collect", "detect_format"]
