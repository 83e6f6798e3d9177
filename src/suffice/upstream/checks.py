"""Asks replicas how they are while no call does: finds the dead before a client does, and the risen at once."""

import asyncio
from collections.abc import Sequence

from suffice.errors import UpstreamError
from suffice.upstream.config import ChecksConfig
from suffice.upstream.pool import Pool
from suffice.upstream.replica import Replica


class Checks:
    """The health checks of all tiers."""

    def __init__(self, pools: Sequence[Pool], config: ChecksConfig) -> None:
        self._pools = tuple(pools)
        self._config = config

    async def watch(self) -> None:
        """Check every replica, again and again, until cancelled."""
        while True:
            await self.check_all()
            await asyncio.sleep(self._config.interval_s)

    async def check_all(self) -> None:
        """Check every replica once, all at the same time."""
        async with asyncio.TaskGroup() as tasks:
            for pool in self._pools:
                for replica in pool.roster.replicas:
                    # Whoever answers calls is well, whatever a check would say of a server under load.
                    if pool.read_clock() - replica.answered_at >= self._config.interval_s:
                        tasks.create_task(self._check(pool, replica))

    async def _check(self, pool: Pool, replica: Replica) -> None:
        began_at = pool.read_clock()
        try:
            is_good = await replica.probe(self._config.path or "", self._config.timeout_s) < 500
        except UpstreamError:
            is_good = False
        if replica.answered_at < began_at:
            pool.note_check(replica, is_good=is_good)
