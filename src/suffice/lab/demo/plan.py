"""What a run of the demo does."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from suffice.errors import ConfigError, Mistake
from suffice.lab.workload import Split

SMALL, LARGE = "small", "large"

DEFAULT_SPEEDUP = 20.0

PRICES_USD_PER_MILLION = {SMALL: 0.10, LARGE: 0.875}
"""Input and output alike. One to 8.75 is the ratio of 8B to 70B parameters; no invoice says so."""

TAPES = {SMALL: "qwen2.5-coder-0.5b", LARGE: "qwen2.5-coder-1.5b"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveServer:
    """An operator's own server in place of a tape."""

    url: str
    """Base URL, with or without `/v1`."""
    model: str | None = None
    """None: the first one the server lists."""

    @property
    def base_url(self) -> str:
        """The URL below which the API's paths lie."""
        bare = self.url.rstrip("/")
        return bare if urlsplit(bare).path else f"{bare}/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """A run, from the command line; times and rates are those at the recorded speed.

    Raises:
        ConfigError: An option is out of its range; all are reported at once.
    """

    rate: float = 2.0
    """Arrivals per second in the open loop."""
    speedup: float = DEFAULT_SPEEDUP
    """How many times faster than recorded the tape plays; times are reported unscaled."""
    slots: int = 16
    """Answers each tier produces at once."""
    window_s: float = 100.0
    """Length of the closed loop; its first fifth is not counted."""
    seed: int = 1
    split: Split = Split.TEST
    limit: int | None = None
    stream: bool = False
    live: tuple[LiveServer, LiveServer] | None = None
    """Small and large."""

    def __post_init__(self) -> None:
        positive = "must be a positive number"
        checks: list[tuple[str, object, bool, str]] = [
            ("--rate", self.rate, _is_positive(self.rate), f"{positive} of requests per second"),
            ("--speedup", self.speedup, _is_positive(self.speedup), positive),
            ("--slots", self.slots, 1 <= self.slots <= 4096, "must be between 1 and 4096"),
            ("--window", self.window_s, _is_positive(self.window_s), f"{positive} of seconds"),
            ("--seed", self.seed, self.seed >= 0, "must not be negative"),
            ("--limit", self.limit, self.limit is None or self.limit >= 1, "must be at least 1"),
        ]
        if self.live:
            is_real_time = self.speedup == 1.0
            checks.append(
                ("--speedup", self.speedup, is_real_time, "live servers run at their own speed; leave it out")
            )
            for name, server in zip(("--small", "--large"), self.live, strict=True):
                checks.append((name, server.url, _is_url(server.url), "must be an http:// or https:// URL"))
        mistakes = [Mistake(path, value, remedy) for path, value, holds, remedy in checks if not holds]
        if mistakes:
            raise ConfigError(mistakes, source="the command line")

    @property
    def concurrency(self) -> int:
        """Clients of the closed loop: twice the slots of one tier, so that both tiers can be kept busy."""
        return 2 * self.slots


def _is_positive(value: float) -> bool:
    return 0 < value < float("inf")


def _is_url(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
