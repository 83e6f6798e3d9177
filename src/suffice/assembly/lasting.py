"""What outlives a configuration: counts, records, memory, and how many requests are inside."""

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from suffice.assembly.deciding import build_memory, build_tiers
from suffice.caching.config import CacheConfig
from suffice.config import Config
from suffice.pipeline.arrival import ModeSwitch
from suffice.pipeline.memory import Memory
from suffice.policy.config import MemoryConfig
from suffice.policy.selection import Catalogue
from suffice.recording.backlog import RecorderCounts
from suffice.recording.labels import Label
from suffice.server.bundles import Configuration
from suffice.server.limits import Turnstile
from suffice.server.workers.orders import Team
from suffice.telemetry import Telemetry
from suffice.vocabulary import Outcome


class Records(Protocol):
    """Keeps outcomes and labels: a recorder, or the way to another process that has one."""

    @property
    def counts(self) -> RecorderCounts:
        """What became of the outcomes."""
        ...

    def observe(self, outcome: Outcome) -> None:
        """Take an outcome."""
        ...

    def label(self, label: Label) -> Future[bool] | None:
        """Take a label."""
        ...


@dataclass(slots=True, kw_only=True)
class Lasting:
    """Passed from one configuration to the next."""

    records: Records | None
    """None: nothing is recorded."""
    telemetry: Telemetry
    turnstile: Turnstile
    switch: ModeSwitch
    memory: Memory
    team: Team | None
    """The other workers; None: there are none."""
    configuration: Configuration | None = None
    """None: it cannot change."""
    _memory_of: tuple[CacheConfig, MemoryConfig]

    @classmethod
    def of(cls, config: Config, records: Records | None, *, team: Team | None = None) -> "Lasting":
        """Begin with a first configuration."""
        lasting = cls(
            records=records,
            telemetry=Telemetry(build_tiers(config), keys=_keys(config), models=_models(config)),
            turnstile=Turnstile(config.server.max_concurrent_requests, _profile_limits(config)),
            switch=ModeSwitch(),
            memory=build_memory(config, clock=time.monotonic),
            team=team,
            _memory_of=(config.cache, config.routing.escalation_memory),
        )
        lasting.telemetry.watch_in_flight(lambda: lasting.turnstile.n_inside)
        if records is not None:
            lasting.telemetry.watch_recorder(lambda: records.counts)
        return lasting

    def memory_for(self, config: Config) -> Memory:
        """What is remembered, or nothing yet where the section that bounds it has changed."""
        if self._memory_of == (config.cache, config.routing.escalation_memory):
            return self.memory
        return build_memory(config, clock=time.monotonic)

    def adopt(self, config: Config, memory: Memory) -> None:
        """Go on under another configuration, with the memory that was made for it."""
        self.telemetry.know(build_tiers(config), keys=_keys(config), models=_models(config))
        self.turnstile.limit = config.server.max_concurrent_requests
        self.turnstile.profile_limits = _profile_limits(config)
        self._memory_of = (config.cache, config.routing.escalation_memory)
        self.memory = memory


def _keys(config: Config) -> list[str]:
    return [key.name for key in config.auth.keys]


def _models(config: Config) -> Sequence[str]:
    return Catalogue(build_tiers(config), config.aliases).names


def _profile_limits(config: Config) -> dict[str | None, int]:
    limits = {name: profile.limits.max_concurrent_requests for name, profile in config.profiles.items()}
    return {name: limit for name, limit in limits.items() if limit is not None}
