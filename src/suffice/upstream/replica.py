"""One server of a tier, and how it has been doing."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from suffice.upstream.call import Call, Exchange
from suffice.upstream.client import Client


@dataclass(slots=True)
class Replica:
    """A server with one tier's model."""

    client: Client
    in_flight: int = 0
    failures: int = 0
    """Consecutive failed tries; the pool prefers replicas without."""
    benched_until: float = 0.0
    """Until then (monotonic clock, seconds) its failures count."""

    @property
    def base_url(self) -> str:
        """Its address, as the configuration has it."""
        return self.client.origin.base_url

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Exchange]:
        """Make one call; see `pipeline.ports.Upstream.open`.

        Raises:
            UpstreamError: No connection, no answer in time, a broken one, or a status another replica might mend.
        """
        self.in_flight += 1
        try:
            exchange = await self.client.send(call)
            try:
                yield exchange
            finally:
                exchange.close()
        finally:
            self.in_flight -= 1
