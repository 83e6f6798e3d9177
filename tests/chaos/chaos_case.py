"""One row of the chaos table: what goes wrong, and all that is expected of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import pytest
from chaos_results import Form, Recorded, Result, Seen
from chaos_scene import Scene

Act = Callable[[Scene, Form], Seen]
"""Makes it go wrong while a client asks; gives what the client saw."""

BOTH = (Form.PLAIN, Form.STREAMED)


@dataclass(frozen=True, slots=True)
class Try:
    """One upstream call, as its row in `attempts` tells it."""

    tier: str
    error: str | None = None
    status: int | None = 200

    def __str__(self) -> str:
        said = [f"`{self.tier}`", "" if self.status in {None, 200} else str(self.status)]
        return " ".join([*filter(None, said), *([f"`{self.error}`"] if self.error else [])])


SMALL, LARGE = Try("small"), Try("large")


def failed(n: int, tier: str, error: str = "upstream_failed", status: int | None = None) -> tuple[Try, ...]:
    """So many failed tries in a row."""
    return (Try(tier, error, status),) * n


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that goes wrong; `tests/chaos/chaos_play.py` compares what is declared here with what happens."""

    name: str
    """What happens, as the table says it."""
    act: Act
    client: Result
    tries: Sequence[Try] | None = (SMALL,)
    """The upstream calls of each request, in their order: what is tried, and what is tried again. None: as far as it
    came."""
    loose: bool = False
    """How the failed tries are called and how many they are may differ with the HTTP client: only who was asked, and
    who answered, is compared."""
    forms: Sequence[Form] = BOTH
    recorded: Recorded | None = None
    """Of each request, where it is not what goes with the client's result."""
    n_records: int | None = 1
    """Requests that are recorded. None: as many as reached the gateway."""
    n_parallel: int = 1
    """Calls open to one upstream at once: so many idle connections may be kept."""
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    """How far these counters go up beside those that follow the records; `NAME{label=value}`."""
    restarts: bool = False
    """The gateway is another process afterwards: its counts began anew."""
    at_least_s: float = 0.0
    """The client waits at least so long."""
    note: str = ""
    """What else the case sees to, for the table."""
    fails_today: str = ""
    """Why it does not hold yet."""

    @property
    def record(self) -> Recorded | None:
        """What each record says; None: there is none."""
        return self.recorded if self.recorded is not None else self.client.recorded

    @property
    def n_lost(self) -> int:
        """Requests whose record is lost, and counted as such."""
        return int(self.metrics.get("suffice_recorder_dropped_total", 0))

    @property
    def trail(self) -> str:
        """The tries in words: `small` 503, twice, then `large`."""
        if self.tries is None:
            return "as far as it came"
        if self.record is None:
            return "none"
        if self.loose:
            names = [f"`{one.tier}` fails" if one.error else f"`{one.tier}`" for one in self.tries]
            return ", then ".join(name for name, _ in groupby(names))
        runs = [(str(one), len(list(others))) for one, others in groupby(self.tries)]
        return ", then ".join(name + ({1: "", 2: ", twice"}.get(n, f", {n} times")) for name, n in runs) or "none"


def parametrize(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """One test for each case and form."""
    return pytest.mark.parametrize(
        ("case", "form"),
        [
            pytest.param(
                case,
                form,
                id=f"{case.name}-{form}",
                marks=[pytest.mark.xfail(reason=case.fails_today)] if case.fails_today else [],
            )
            for case in cases
            for form in case.forms
        ],
    )
