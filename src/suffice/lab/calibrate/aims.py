"""What a threshold is wanted for; each aim picks one from all that there are."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from suffice.errors import DatasetError
from suffice.lab.calibrate.choices import Choices

_ROUNDING = 1e-12


class Aim(Protocol):
    """A wish that can be checked on outcomes."""

    kind: ClassVar[str]
    """As the command's option is called."""

    @property
    def target(self) -> float:
        """What is wanted."""
        ...

    def choose(self, choices: Choices) -> int:
        """The index of the threshold to take.

        Raises:
            DatasetError: None of them fulfils the wish.
        """
        ...


@dataclass(frozen=True, slots=True)
class LargeShare:
    """At most this share of the requests goes to the large model, and as near to it as there is a threshold."""

    target: float
    kind: ClassVar[str] = "large-share"

    def choose(self, choices: Choices) -> int:
        """The lowest threshold within the share; the highest one sends nothing up, so there is always one."""
        return int(np.argmax(choices.share <= self.target + _ROUNDING))


@dataclass(frozen=True, slots=True)
class Cost:
    """At most this share of the always-large bill is spent, and as much quality is bought for it as there is."""

    target: float
    kind: ClassVar[str] = "cost"

    def choose(self, choices: Choices) -> int:
        """The lowest threshold within the budget."""
        if choices.cost is None or np.isnan(choices.cost).any():
            raise DatasetError("the always-large bill is 0, so no share of it can be aimed at; check the prices")
        within = choices.cost <= self.target + _ROUNDING
        if not within.any():
            raise DatasetError(
                f"no threshold keeps the bill at {self.target:.1%} of the always-large one: the small model alone costs"
                f" {float(choices.cost[-1]):.1%} of it; aim at more"
            )
        return int(np.argmax(within))


@dataclass(frozen=True, slots=True)
class Quality:
    """At least this share of the gap between both models is recovered (PGR), with as little as possible to large."""

    target: float
    kind: ClassVar[str] = "quality"

    def choose(self, choices: Choices) -> int:
        """The highest threshold that recovers it."""
        if choices.recovered is None or np.isnan(choices.recovered).any():
            raise DatasetError(
                "the large model gains nothing over the small one on these queries, so there is no gap to recover;"
                " aim at a share or a cost, or take other queries"
            )
        enough = np.flatnonzero(choices.recovered >= self.target - _ROUNDING)
        if not enough.size:
            raise DatasetError(
                f"no threshold recovers {self.target:.1%} of the gap: the most is {choices.recovered.max():.1%}; aim at"
                " less, or train a bundle on more outcomes"
            )
        return int(enough[-1])
