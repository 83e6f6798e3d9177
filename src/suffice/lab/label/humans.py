"""What people say of answers: it stands in place of any other label, and tells how wrong the others are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from suffice.errors import DatasetError
from suffice.lab.dataset import OK_SCORE, FileReport, Outcome, Query
from suffice.lab.dataset.reading import read_outcomes
from suffice.lab.label.judge_error import CorrectedRate, DoublyLabelled, correct_rate
from suffice.lab.label.scoring import HUMAN, Label, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanLabels:
    """Labels by people."""

    labels: Mapping[Place, Label] = field(default_factory=dict[Place, Label])
    report: FileReport | None = None


def read_human_labels(
    path: Path, query_ids: set[str], titles: Mapping[str, str], drawn: Sequence[Query]
) -> HumanLabels:
    """Read a file of outcomes with `query_id`, `model` and `score`.

    Args:
        path: The file, JSON Lines or Parquet.
        query_ids: Of all queries there are.
        titles: What outcomes call each tier's model; a file may name the tier or the model.
        drawn: The queries that are labelled.

    Raises:
        DatasetError: The file cannot be read, has no usable row, or names other models only.
    """
    rows, report = read_outcomes(path, query_ids)
    tiers = {name: tier for tier, title in titles.items() for name in (title, tier)}
    wanted = {query.query_id for query in drawn}
    if not any(row.model in tiers for row in rows):
        others = ", ".join(sorted({row.model for row in rows})[:3])
        raise DatasetError(
            f"{path.name} labels answers of {others}, but the tiers are "
            f"{', '.join(f'{tier} ({title})' for tier, title in titles.items())}; name these in `model`"
        )
    labels = {
        (row.query_id, tiers[row.model]): Label(row.score, HUMAN)
        for row in rows
        if row.score is not None and row.model in tiers and row.query_id in wanted
    }
    report.left_out.update(_left_out(rows, set(tiers), wanted))
    return HumanLabels(labels=labels, report=report)


def _left_out(rows: Sequence[Outcome], names: set[str], wanted: set[str]) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for row in rows:
        if row.model not in names:
            reasons["of models that are not labelled here"] += 1
        elif row.score is None:
            reasons["without a score"] += 1
        elif row.query_id not in wanted:
            reasons["of queries not drawn"] += 1
    return reasons


def measure_error(
    queries: Sequence[Query],
    groups: Mapping[str, str],
    tier: str,
    labels: Mapping[Place, Label],
    human: Mapping[Place, Label],
) -> CorrectedRate | None:
    """How wrong some labels of a tier's answers are, and the rate without that error.

    Args:
        queries: What was labelled.
        groups: The prompt group of each query.
        tier: Whose answers.
        labels: Of one source.
        human: By people.

    Returns:
        None where people labelled none of these answers.
    """
    labelled = [query for query in queries if (query.query_id, tier) in labels]
    places = [(query.query_id, tier) for query in labelled]
    said = [human.get(place) for place in places]
    if not any(said):
        return None
    return correct_rate(
        DoublyLabelled(
            judged_ok=np.array([labels[place].score >= OK_SCORE for place in places]),
            human_ok=np.array([label is not None and label.score >= OK_SCORE for label in said]),
            has_human=np.array([label is not None for label in said]),
            weights=np.array([1.0 / (query.inclusion_probability or 1.0) for query in labelled]),
            groups=[groups[query.query_id] for query in labelled],
        )
    )
