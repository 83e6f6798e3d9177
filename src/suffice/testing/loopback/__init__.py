"""An OpenAI-compatible upstream on 127.0.0.1 that answers from the request alone, and fails as ordered.

As a process of its own: `python -m suffice.testing.loopback --port 0 --model NAME`.
"""

from suffice.testing.loopback.options import Dialect, LoopbackOptions
from suffice.testing.loopback.server import Loopback, serving

__all__ = ["Dialect", "Loopback", "LoopbackOptions", "serving"]
