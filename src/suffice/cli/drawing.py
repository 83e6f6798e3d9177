"""Which queries `suffice label` takes, by its options."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suffice.config import Config, resolved_thresholds
from suffice.errors import ConfigError, Mistake
from suffice.estimators.bundle import load as load_bundle
from suffice.lab.dataset import Query, read_dataset
from suffice.lab.label.choosing import Choice, choose, size_by_bundle, size_by_outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The options of a draw.

    Raises:
        ConfigError: They contradict each other.
    """

    sample: int | None
    is_active: bool
    bundle: Path | None
    outcomes: Path | None
    threshold: float | None
    seed: int

    def __post_init__(self) -> None:
        """Check what goes with what."""
        given = {"--bundle": self.bundle, "--outcomes": self.outcomes, "--threshold": self.threshold}
        mistakes = [
            Mistake(name, value, "belongs to --strategy active")
            for name, value in given.items()
            if value is not None and not self.is_active
        ]
        if self.is_active and self.sample is None:
            mistakes.append(Mistake("--strategy", "active", "needs --sample: how many queries may be labelled"))
        if self.is_active and (self.bundle is None) == (self.outcomes is None):
            mistakes.append(Mistake("--strategy", "active", "needs either --bundle or --outcomes to go by"))
        if self.is_active and self.bundle is None and self.threshold is not None:
            mistakes.append(
                Mistake("--threshold", self.threshold, "needs --bundle, which knows each query's complexity")
            )
        if mistakes:
            raise ConfigError(mistakes, source="the command line")


def draw_queries(
    queries: Sequence[Query], file: Path, drawing: Drawing, config: Config, models: dict[str, str]
) -> Choice:
    """Draw from the queries of a file.

    Args:
        queries: Of the file.
        file: Where they stand.
        drawing: How to draw.
        config: Has the thresholds.
        models: What outcomes call the model of each tier that is labelled, cheapest first.

    Raises:
        DatasetError: The known outcomes are of no use.
        BundleError: The bundle is of no use.
    """
    if drawing.sample is None:
        return choose(queries, None, None, f"all {len(queries)} queries", seed=drawing.seed)
    sizes = None
    how = "at random"
    names = list(models.values())
    pair = (names[0], names[-1])
    if drawing.bundle is not None:
        bundle = load_bundle(drawing.bundle)
        threshold = drawing.threshold
        if threshold is None:
            threshold = resolved_thresholds(config)[next(iter(models))]
        sizes = size_by_bundle(queries, bundle, threshold, pair)
        how = f"actively by bundle {bundle.id} for threshold {threshold:g}"
    elif drawing.outcomes is not None:
        sizes = size_by_outcomes(queries, read_dataset(file, drawing.outcomes).dataset, pair)
        how = f"actively by {drawing.outcomes.name}"
    description = f"{drawing.sample} of {len(queries)} queries, {how}, seed {drawing.seed}"
    return choose(queries, drawing.sample, sizes, description, seed=drawing.seed)
