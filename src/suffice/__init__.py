"""An OpenAI-compatible gateway that answers each request with the smallest model that suffices."""

__version__ = "0.1.0"
