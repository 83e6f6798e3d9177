"""The bundle: the only thing that passes from the lab to the gateway."""

from suffice.estimators.bundle.bundle import Bundle
from suffice.estimators.bundle.installing import install, previous_of, restore
from suffice.estimators.bundle.manifest import THRESHOLD_NAMES, ArrayEntry, Manifest, TrainingSource
from suffice.estimators.bundle.reading import load
from suffice.estimators.bundle.writing import save

__all__ = [
    "THRESHOLD_NAMES",
    "ArrayEntry",
    "Bundle",
    "Manifest",
    "TrainingSource",
    "install",
    "load",
    "previous_of",
    "restore",
    "save",
]
