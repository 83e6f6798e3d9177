"""Outcomes and states as metrics and log lines.

Every metric's name is in this folder, and in docs/reference/metrics.md.
"""

from suffice.telemetry.counts import Snapshot
from suffice.telemetry.merging import keep_counts, merge_pages
from suffice.telemetry.metrics import CONTENT_TYPE, Telemetry
from suffice.telemetry.watched import BundleState, recorder_page

__all__ = ["CONTENT_TYPE", "BundleState", "Snapshot", "Telemetry", "keep_counts", "merge_pages", "recorder_page"]
