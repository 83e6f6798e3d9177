"""From answers to scores: by a checker, by a judge, by agreement with the top tier, or by people."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from suffice.lab.checkers import Check, is_right
from suffice.lab.dataset import Outcome, Query
from suffice.lab.label.agreement import agree
from suffice.lab.label.journal import Journal
from suffice.lab.label.judging import Judge
from suffice.lab.label.running import Brake, run_all
from suffice.lab.label.verdicts import score_pair

Place = tuple[str, str]
"""A query's id and a tier's name."""

HUMAN = "human"
CHECK_PREFIX = "check: "


class Method(StrEnum):
    """Who scores an answer to a query without a check, or to all of them."""

    CHECK = "check"
    """Nobody: only queries with a check are scored."""
    JUDGE = "judge"
    AGREEMENT = "agreement"
    NONE = "none"
    """Nobody, not even checks: answers are gathered for later."""


@dataclass(frozen=True, slots=True)
class Label:
    """A score, and who says so."""

    score: float
    source: str


async def check_all(
    queries: Sequence[Query], tiers: Sequence[str], journal: Journal, *, concurrency: int, on_done: Callable[[], None]
) -> dict[Place, Label]:
    """Score the answers to queries with a check; code is run in processes of its own, so many at once."""
    found: dict[Place, Label] = {}

    async def check(job: tuple[Query, Check, str]) -> None:
        query, how, tier = job
        text = journal.answers[query.query_id, tier].text
        found[query.query_id, tier] = Label(float(await asyncio.to_thread(is_right, how, text)), _name(how))
        on_done()

    jobs = [
        (query, query.check, tier)
        for query in queries
        for tier in tiers
        if query.check is not None and (query.query_id, tier) in journal.answers
    ]
    await run_all(jobs, check, concurrency=concurrency, brake=Brake())
    return found


def score_by_judge(
    queries: Sequence[Query], tiers: Sequence[str], journal: Journal, judge: Judge
) -> dict[Place, Label]:
    """Scores from the verdicts in both orders; the top tier's answer is taken as acceptable."""

    def score(query_id: str, tier: str) -> float | None:
        orders = [journal.verdicts.get((judge.key, query_id, tier, first)) for first in (True, False)]
        return score_pair(orders[0], orders[1]) if orders[0] is not None and orders[1] is not None else None

    return _score_pairs(queries, tiers, journal, score, judge.source)


def score_by_agreement(queries: Sequence[Query], tiers: Sequence[str], journal: Journal) -> dict[Place, Label]:
    """1 where an answer says the same as the top tier's, which is taken as acceptable, else 0."""
    top = tiers[-1]

    def score(query_id: str, tier: str) -> float:
        return float(agree(journal.answers[query_id, tier].text, journal.answers[query_id, top].text))

    return _score_pairs(queries, tiers, journal, score, f"agreement with {top}")


def collect(
    queries: Sequence[Query], titles: Mapping[str, str], journal: Journal, labels: Mapping[Place, Label]
) -> list[Outcome]:
    """Every answer as an outcome; what failed is none, so that nobody takes it for a bad answer.

    Args:
        queries: What was asked.
        titles: What outcomes call each tier's model.
        journal: Holds the answers.
        labels: Scores; an answer without one has no score yet.
    """
    outcomes: list[Outcome] = []
    for query in queries:
        for tier, title in titles.items():
            answer = journal.answers.get((query.query_id, tier))
            if answer is None:
                continue
            label = labels.get((query.query_id, tier))
            outcomes.append(
                Outcome(
                    query_id=query.query_id,
                    model=title,
                    score=None if label is None else label.score,
                    response=answer.text,
                    logprobs=answer.logprobs,
                    prompt_tokens=answer.prompt_tokens,
                    completion_tokens=answer.completion_tokens,
                    cost_usd=answer.cost_usd,
                    label_source=None if label is None else label.source,
                )
            )
    return outcomes


def _score_pairs(
    queries: Sequence[Query],
    tiers: Sequence[str],
    journal: Journal,
    score: Callable[[str, str], float | None],
    source: str,
) -> dict[Place, Label]:
    *lower, top = tiers
    found: dict[Place, Label] = {}
    for query in queries:
        best = journal.answers.get((query.query_id, top))
        for tier in lower:
            own = journal.answers.get((query.query_id, tier))
            if own is None or best is None:
                continue
            # Equal answers were not shown to a judge.
            value = 1.0 if own.text.strip() == best.text.strip() else score(query.query_id, tier)
            if value is not None:
                found[query.query_id, tier] = Label(value, source)
                found[query.query_id, top] = Label(1.0, source)
    return found


def _name(check: Check) -> str:
    return f"{CHECK_PREFIX}{type(check).__struct_config__.tag}"
