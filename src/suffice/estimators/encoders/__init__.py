"""Encoders: texts to vectors of unit length, whose dot products say how alike the texts are."""

from suffice.estimators.encoders.encoder import Encoder, normalise, readable
from suffice.estimators.encoders.hashed import HashedEncoder
from suffice.estimators.encoders.minilm import MiniLmEncoder

__all__ = ["Encoder", "HashedEncoder", "MiniLmEncoder", "normalise", "readable"]
