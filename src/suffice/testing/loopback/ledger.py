"""What a loopback upstream has seen: tests read it at `/_stats` and `/_last`."""

from collections import Counter, deque
from dataclasses import dataclass, field

MAX_KEPT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, whole."""

    method: str
    path: str
    """Without its query."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(slots=True)
class Ledger:
    """Counts and last requests of one server; requests for paths that begin with `/_` are left out."""

    connections_open: int = 0
    """Connections that are no reader of this ledger."""
    n_connections: int = 0
    paused: int = 0
    """Connections whose client reads too slowly: nothing more is written to them for now."""
    active: int = 0
    """Requests being answered."""
    streams_open: int = 0
    """Event streams being written."""
    finished: int = 0
    """Requests answered as ordered, even where the order was to break off."""
    cancelled: int = 0
    """Requests whose client left before the end."""
    malformed: int = 0
    """Connections closed because what came was no HTTP."""
    by_path: Counter[str] = field(default_factory=Counter[str])
    by_model: Counter[str] = field(default_factory=Counter[str])
    by_message: Counter[str] = field(default_factory=Counter[str])
    last: deque[Request] = field(default_factory=lambda: deque(maxlen=MAX_KEPT))

    def reset(self) -> None:
        """Forget all counts but those of what is open now."""
        self.n_connections = self.finished = self.cancelled = self.malformed = 0
        for counter in (self.by_path, self.by_model, self.by_message):
            counter.clear()
        self.last.clear()

    def stats(self) -> dict[str, object]:
        """The counts."""
        return {
            "requests": sum(self.by_path.values()),
            "connections_open": self.connections_open,
            "n_connections": self.n_connections,
            "paused": self.paused,
            "active": self.active,
            "streams_open": self.streams_open,
            "finished": self.finished,
            "cancelled": self.cancelled,
            "malformed": self.malformed,
            "by_path": dict(self.by_path),
            "by_model": dict(self.by_model),
        }

    def last_requests(self) -> list[dict[str, object]]:
        """The last requests, oldest first; bodies as text, what is no UTF-8 replaced."""
        return [
            {
                "method": request.method,
                "path": request.path,
                "headers": request.headers,
                "body": request.body.decode(errors="replace"),
            }
            for request in self.last
        ]
