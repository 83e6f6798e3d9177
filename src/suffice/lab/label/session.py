"""The story of a run: what it will cost, the answers, the scores, the two files and the report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from suffice.lab.dataset import Query
from suffice.lab.label.calls import Asking, Target
from suffice.lab.label.estimate import N_MEASURED, Forecast, forecast_judge, forecast_tier, mean_answer_tokens
from suffice.lab.label.journal import Journal
from suffice.lab.label.judging import Judge, compare_all, list_comparisons
from suffice.lab.label.running import Question, answer_all, list_questions
from suffice.lab.label.scoring import (
    Label,
    Method,
    Place,
    check_all,
    score_by_agreement,
    score_by_judge,
)

Advance = Callable[[], None]
Begin = Callable[[str, int], Advance]
"""Told of a stage and how many steps it has; gives what is called after each step."""

N_CHECKS_AT_ONCE = 2
"""Each may run code for seconds, on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be labelled, and how."""

    queries: Sequence[Query]
    """Those that were drawn."""
    groups: Mapping[str, str]
    """The prompt group of each query."""
    targets: Sequence[Target]
    """The tiers, cheapest first."""
    titles: Mapping[str, str]
    """What outcomes call each tier's model."""
    asking: Asking
    sample: str
    """How the queries were drawn, for people."""
    method: Method
    uses_checks: bool
    """Queries with a check are scored by it, whatever the method."""
    judge: Judge | None = None
    concurrency: int = 8

    @property
    def tiers(self) -> list[str]:
        """Names of the tiers, cheapest first."""
        return [target.name for target in self.targets]

    @property
    def unchecked(self) -> list[Query]:
        """Queries that no check scores."""
        return [query for query in self.queries if query.check is None or not self.uses_checks]

    def settings(self) -> dict[str, Any]:
        """What the answers depend on: the journal of a run with others is another run's."""
        asked = [(query.query_id, query.conversation) for query in self.queries]
        drawn = sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()
        return {
            "queries": f"{len(self.queries)} of sha256 {drawn[:12]}",
            "sample": self.sample,
            "tiers": ", ".join(f"{target.name} = {target.model}" for target in self.targets),
            "max_tokens": self.asking.max_tokens,
            "temperature": self.asking.temperature,
        }


@dataclass(slots=True, kw_only=True)
class Labelled:
    """What came of a run."""

    labels: dict[Place, Label] = field(default_factory=dict[Place, Label])
    failures: dict[Place, str] = field(default_factory=dict[Place, str])
    """Why a tier gave no answer."""
    judge_failures: dict[Place, str] = field(default_factory=dict[Place, str])
    """Why the judge gave no verdict."""


def forecast(work: Work, journal: Journal) -> list[Forecast]:
    """What is still to be called, and what it will cost."""
    questions = list_questions(work.queries, work.targets, journal)
    rows = [forecast_tier(target, questions, journal, work.asking) for target in work.targets]
    if work.judge is not None:
        typical = mean_answer_tokens(journal, work.asking)
        rows.append(forecast_judge(work.judge, work.unchecked, work.tiers, journal, typical))
    return rows


def list_measurements(work: Work, journal: Journal) -> list[Question]:
    """A few questions to each tier whose answers' length nothing tells yet, spread over all of them."""
    questions = list_questions(work.queries, work.targets, journal)
    first: list[Question] = []
    for target in work.targets:
        n_known = sum(tier == target.name for _, tier in journal.answers)
        own = [question for question in questions if question.target.name == target.name]
        if work.asking.max_tokens is None and len(own) > N_MEASURED > n_known:
            # Files are often sorted by kind: the first few would be all alike.
            step = len(own) // (N_MEASURED - n_known)
            first += own[::step][: N_MEASURED - n_known]
    return first


async def ask_all(work: Work, journal: Journal, questions: Sequence[Question], begin: Begin) -> Mapping[Place, str]:
    """Ask questions; gives the reasons of those that failed.

    Raises:
        LabelError: A tier fails again and again, or the journal cannot be written.
    """
    advance = begin("answers", len(questions))
    return await answer_all(questions, journal, work.asking, concurrency=work.concurrency, on_done=advance)


async def run(work: Work, journal: Journal, begin: Begin) -> Labelled:
    """Ask whatever is not answered yet, and score all answers.

    Raises:
        LabelError: A model fails again and again, or the journal cannot be written.
    """
    done = Labelled()
    done.failures |= await ask_all(work, journal, list_questions(work.queries, work.targets, journal), begin)
    if work.judge is not None:
        comparisons = list_comparisons(work.unchecked, work.tiers, journal, work.judge)
        done.judge_failures |= await compare_all(
            comparisons,
            journal,
            work.judge,
            concurrency=work.concurrency,
            on_done=begin("verdicts", len(comparisons)),
        )
        done.labels |= score_by_judge(work.unchecked, work.tiers, journal, work.judge)
    elif work.method is Method.AGREEMENT:
        done.labels |= score_by_agreement(work.unchecked, work.tiers, journal)
    if work.uses_checks:
        n_checks = len(work.queries) - len(work.unchecked)
        advance = begin("checks", n_checks * len(work.targets))
        done.labels |= await check_all(work.queries, work.tiers, journal, concurrency=N_CHECKS_AT_ONCE, on_done=advance)
    return done
