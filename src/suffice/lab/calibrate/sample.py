"""Requests to calibrate on, with as much as is known of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from suffice.estimators.bundle import Bundle
from suffice.lab.calibrate.aims import Aim
from suffice.lab.calibrate.choices import Choices
from suffice.lab.calibrate.prices import Bill
from suffice.lab.dataset import Query, group_queries
from suffice.lab.dataset.conversations import find_conversations
from suffice.lab.metrics import Floats, PairedScores, join
from suffice.lab.operating import Costs
from suffice.lab.rating import rate_all
from suffice.lab.trial import Note, Trial, ignore, read_requests
from suffice.policy.config import RoutingConfig


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Requests to calibrate on."""

    complexity: Floats
    """Shape (n,), in [0, 10]."""
    groups: Sequence[str]
    """Of each request; what is of one group is never parted."""
    scores: PairedScores | None = None
    costs: Costs | None = None
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])
    """Queries that are not here, by reason."""

    def choose(self, aim: Aim, chosen: NDArray[np.bool_] | None = None) -> float:
        """The threshold for an aim, from all requests or the chosen ones.

        Raises:
            DatasetError: No threshold fulfils the aim.
        """
        inside = np.ones(self.complexity.size, dtype=np.bool_) if chosen is None else chosen
        scores, costs = self.scores, self.costs
        choices = Choices.of(
            self.complexity[inside],
            None if scores is None else PairedScores(scores.small[inside], scores.large[inside]),
            None if costs is None else Costs(small=costs.small[inside], large=costs.large[inside]),
        )
        return choices.number(aim.choose(choices))


def sample_queries(
    queries: Sequence[Query], bundle: Bundle, routing: RoutingConfig | None = None, *, note: Note = ignore
) -> Sample:
    """Queries alone: enough to aim at a share.

    Args:
        queries: To rate.
        bundle: To rate them by.
        routing: How the gateway treats conversations; the defaults if left out.
        note: Told of every step.

    Raises:
        BundleError: The bundle's model cannot be used.
    """
    routing = routing or RoutingConfig()
    note("reading requests")
    requests, left_out = read_requests(queries, max_turns=routing.max_turns)
    note("finding near-duplicates")
    clusters = join(group_queries(queries), find_conversations(queries))
    note("rating requests")
    ratings = rate_all(bundle, requests.values(), turn_decay=routing.turn_decay)
    groups = [clusters[index] for index in requests]
    return Sample(complexity=ratings.complexity, groups=groups, left_out=left_out)


def sample_trial(trial: Trial, bundle: Bundle, routing: RoutingConfig | None = None, *, bill: Bill | None) -> Sample:
    """Queries with both models' outcomes, and what these cost if somebody asks; errors as of `sample_queries`."""
    routing = routing or RoutingConfig()
    return Sample(
        complexity=rate_all(bundle, trial.requests, turn_decay=routing.turn_decay).complexity,
        groups=trial.outcomes.groups,
        scores=trial.outcomes.scores,
        costs=None if bill is None else bill.costs,
        left_out=trial.left_out,
    )
