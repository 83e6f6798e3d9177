"""Rounds: whoever takes part is measured by turns, nginx before each, so that a slow minute is slow for both."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from plane.bodies import Kind
from plane.contestant import Running
from plane.measuring import Bench, Reading, Scenario
from plane.nginx import NAME as NGINX
from plane.ours import CACHED, CACHED_UNRECORDED, FRESH, FRESH_UNRECORDED
from plane.results import Comparison, Latency, add_latency, compare

PLAIN = Scenario(name="plain", kind=Kind.PLAIN)
NAMED = Scenario(name="plain, tier named by the client", kind=Kind.NAMED)
STREAM = Scenario(name="stream", kind=Kind.STREAM_WITH_USAGE)
STREAM_CUT = Scenario(name="stream, usage taken out", kind=Kind.STREAM)
STEPS = Scenario(name="stream in steps", kind=Kind.STREAM_WITH_USAGE, step_ms=1.0, n_connections=64)
STEPS_CUT = Scenario(name="stream in steps, usage taken out", kind=Kind.STREAM, step_ms=1.0, n_connections=64)
SCENARIOS = (PLAIN, NAMED, STREAM, STREAM_CUT, STEPS, STEPS_CUT)

Plan = Mapping[str, Sequence[str]]
"""Which of our configurations are measured in which scenario."""
SHORT_PLAN: Plan = {
    PLAIN.name: (FRESH, CACHED, FRESH_UNRECORDED, CACHED_UNRECORDED),
    NAMED.name: (FRESH,),
    STREAM.name: (FRESH,),
    STREAM_CUT.name: (FRESH,),
    STEPS.name: (FRESH,),
    STEPS_CUT.name: (FRESH,),
}
FULL_PLAN: Plan = {**SHORT_PLAN, STREAM.name: (FRESH, CACHED), STREAM_CUT.name: (FRESH, CACHED)}
PEERS_IN = frozenset({PLAIN.name, STREAM.name, STEPS.name})
"""Where the others are: nothing has to be taken out for their clients, and none of them decides."""

CONNECTIONS = (1, 16, 64)

Pairs = dict[tuple[str, str], list[tuple[Reading, Reading]]]


@dataclass(slots=True)
class Rounds:
    """Measures contestants that are running, and keeps what was read."""

    bench: Bench
    running: dict[str, Running]
    """By name, nginx among them; one that fails is left out from then on."""
    direct: Running
    """The upstream itself."""
    plan: Plan
    failures: dict[str, str] = field(default_factory=dict[str, str])
    _pairs: Pairs = field(default_factory=lambda: defaultdict(list))
    _latency_pairs: dict[tuple[str, int], list[tuple[Reading, Reading]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def warm_up(self, n_prompts: int) -> None:
        """Show every contestant some load; those that cache see each prompt once."""
        for name in list(self.running):
            n_answers = n_prompts if name in {CACHED, CACHED_UNRECORDED} else 1
            self._try(name, lambda one, n=n_answers: self.bench.warm_up(one, PLAIN, n))

    def run(self, n_rounds: int) -> None:
        """Take all readings."""
        for number in range(1, n_rounds + 1):
            print(f"round {number} of {n_rounds} ...", file=sys.stderr, flush=True)
            for scenario in SCENARIOS:
                for name in self._who(scenario):
                    self._read_beside_nginx(name, scenario)
            for n_connections in CONNECTIONS:
                self._read_latencies(n_connections)

    @property
    def upstream_cpu_us(self) -> float:
        """CPU time of the upstream per plain answer, nginx before it."""
        pairs = [pair for (_, scenario), read in self._pairs.items() if scenario == PLAIN.name for pair in read]
        return statistics.median(yardstick.upstream_cpu_us for yardstick, _ in pairs)

    def comparisons(self) -> list[Comparison]:
        """One for each contestant and scenario."""
        return [compare(name, scenario, pairs) for (name, scenario), pairs in self._pairs.items() if pairs]

    def latencies(self) -> list[Latency]:
        """One for each contestant and number of connections."""
        return [add_latency(name, n, pairs) for (name, n), pairs in self._latency_pairs.items() if pairs]

    def _who(self, scenario: Scenario) -> list[str]:
        known = {name for names in self.plan.values() for name in names} | {NGINX}
        peers = [name for name in self.running if name not in known and scenario.name in PEERS_IN]
        return [name for name in (*self.plan[scenario.name], *peers) if name in self.running]

    def _read_beside_nginx(self, name: str, scenario: Scenario) -> None:
        yardstick = self.bench.read(self.running[NGINX], scenario)
        self._keep(self._pairs[name, scenario.name], yardstick, name, scenario)

    def _read_latencies(self, n_connections: int) -> None:
        scenario = Scenario(name="latency", kind=Kind.PLAIN, n_connections=n_connections)
        direct = self.bench.read(self.direct, scenario)
        others = [name for name in self.running if name not in {CACHED, CACHED_UNRECORDED, FRESH_UNRECORDED}]

        for name in others:
            self._keep(self._latency_pairs[name, n_connections], direct, name, scenario)

    def _keep(self, pairs: list[tuple[Reading, Reading]], other: Reading, name: str, scenario: Scenario) -> None:
        """Take a reading beside another, unless the contestant fails."""
        self._try(name, lambda one: pairs.append((other, self.bench.read(one, scenario))))

    def _try(self, name: str, act: Callable[[Running], None]) -> None:
        try:
            act(self.running[name])
        except (RuntimeError, OSError, TimeoutError) as error:
            self.failures[name] = f"failed under load: {error}"
            del self.running[name]
