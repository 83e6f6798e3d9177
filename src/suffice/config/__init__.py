"""`suffice.yaml` -> frozen sections; every mistake in it is reported at once."""

from suffice.config.loading import Loaded, Secret, load, parse
from suffice.config.sections import Config, resolved_thresholds

__all__ = ["Config", "Loaded", "Secret", "load", "parse", "resolved_thresholds"]
