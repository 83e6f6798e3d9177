"""Outcomes and states as metrics and log lines.

Every metric's name is in this folder, and in docs/reference/metrics.md.
"""

from suffice.telemetry.counts import Snapshot
from suffice.telemetry.metrics import CONTENT_TYPE, Telemetry
from suffice.telemetry.watched import BundleState

__all__ = ["CONTENT_TYPE", "BundleState", "Snapshot", "Telemetry"]
