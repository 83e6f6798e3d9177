"""The `recording` section of `suffice.yaml`."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingConfig:
    """What is kept of every request."""

    enabled: bool = True
    """Write records."""
    path: str = "suffice.sqlite"
    """The SQLite file, relative to the configuration file."""
    content: bool = False
    """Keep prompts and answers. Off: only numbers, names and hashes are kept."""
    queue_size: Annotated[int, Meta(ge=1)] = 10_000
    """Records waiting to be written at most; more are dropped and counted."""
    max_days: Annotated[float, Meta(gt=0)] = 90.0
    """Older records are deleted."""
    max_requests: Annotated[int, Meta(ge=1)] = 5_000_000
    """Records kept at most; the oldest go first."""
