"""`suffice.yaml` -> frozen sections; every mistake in it is reported at once."""

from suffice.config.division import divide
from suffice.config.loading import Loaded, Secret, load, parse
from suffice.config.sections import Config, resolved_thresholds
from suffice.config.servers import is_loopback
from suffice.config.yardstick import Yardstick, build_yardstick, observe_only, watched_bundle

__all__ = [
    "Config",
    "Loaded",
    "Secret",
    "Yardstick",
    "build_yardstick",
    "divide",
    "is_loopback",
    "load",
    "observe_only",
    "parse",
    "resolved_thresholds",
    "watched_bundle",
]
