"""The store of records: one request row to many attempt rows, in SQLite."""

from suffice.recording.backlog import RecorderCounts
from suffice.recording.labels import Label
from suffice.recording.recorder import Recorder

__all__ = ["Label", "Recorder", "RecorderCounts"]
