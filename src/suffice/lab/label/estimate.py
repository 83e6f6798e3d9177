"""What labelling will cost, before it is spent, and what the figure rests on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from suffice.errors import RequestError
from suffice.features.tokens import estimate_prompt_tokens, estimate_tokens
from suffice.lab.dataset import Query
from suffice.lab.label.calls import Asking, Target
from suffice.lab.label.journal import Answered, Journal
from suffice.lab.label.judging import Judge
from suffice.lab.label.running import Question
from suffice.lab.label.transcripts import write_transcript
from suffice.upstream.pricing import cost
from suffice.vocabulary import Usage
from suffice.wire.request import Endpoint, parse

N_MEASURED = 10
"""Answers of a tier whose mean length stands for the rest."""

_VERDICT_TOKENS = 8
_JUDGE_PROMPT_TOKENS = 200
"""Of the instructions around what is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Calls of one model that are still to be made."""

    name: str
    n_calls: int
    prompt_tokens: int
    """Of all calls, estimated."""
    answer_tokens: int | None
    """Of all calls; None: nothing is known of them."""
    cost_usd: float | None
    """None: the price, or the length of the answers, is not known."""
    basis: str
    """What the length of the answers rests on."""


def forecast_tier(target: Target, questions: Sequence[Question], journal: Journal, asking: Asking) -> Forecast:
    """What the questions to a tier will cost.

    Prompts are estimated by `features.tokens.estimate_prompt_tokens`.
    Answers have the mean length of those that the tier gave so far, or else the most that they may have.
    """
    own = [question.query for question in questions if question.target.name == target.name]
    known = [answer for (_, tier), answer in journal.answers.items() if tier == target.name]
    prompts = sum(estimate_prompt(query) for query in own)
    lengths = [answer.completion_tokens for answer in known if answer.completion_tokens is not None]
    if len(lengths) >= N_MEASURED:
        answers: int | None = round(len(own) * float(np.mean(lengths)))
        spread = 1.96 * float(np.std(lengths, ddof=1)) / (math.sqrt(len(lengths)) * max(1.0, float(np.mean(lengths))))
        basis = f"mean length of {len(lengths)} answers so far, give or take {spread:.0%}"
    elif asking.max_tokens is not None:
        answers, basis = len(own) * asking.max_tokens, "at most: every answer as long as --max-tokens allows"
    else:
        answers, basis = None, "unknown: no --max-tokens, and no answers yet"
    return _price(target, n_calls=len(own), prompts=prompts, answers=answers, basis=basis)


def forecast_judge(
    judge: Judge, queries: Sequence[Query], tiers: Sequence[str], journal: Journal, answer_tokens: float | None
) -> Forecast:
    """What the judge's verdicts will cost, at most: pairs of equal answers need none.

    Args:
        judge: The judge.
        queries: Those that it is to judge.
        tiers: All of them, the top one last.
        journal: Holds the verdicts that are there.
        answer_tokens: Mean length of an answer; None: unknown.
    """
    missing = [
        query
        for query in queries
        for tier in tiers[:-1]
        for tier_first in (True, False)
        if (judge.key, query.query_id, tier, tier_first) not in journal.verdicts
    ]
    n_tokens = None if answer_tokens is None else 2 * answer_tokens + _JUDGE_PROMPT_TOKENS
    prompts = sum(estimate_tokens(write_transcript(query)) for query in missing)
    return _price(
        replace(judge.target, name=f"judge {judge.target.name}"),
        n_calls=len(missing),
        prompts=prompts + (0 if n_tokens is None else round(len(missing) * n_tokens)),
        answers=None if n_tokens is None else len(missing) * _VERDICT_TOKENS,
        basis=f"at most: two orders of every pair, {_VERDICT_TOKENS} tokens a verdict assumed",
    )


def mean_answer_tokens(journal: Journal, asking: Asking) -> float | None:
    """Tokens of a typical answer: of those so far, or else the most that one may have."""
    lengths = [_length(answer) for answer in journal.answers.values()]
    return float(np.mean(lengths)) if len(lengths) >= N_MEASURED else asking.max_tokens


def estimate_prompt(query: Query) -> int:
    """About how many tokens a query's prompt has."""
    body = msgspec.json.encode({"model": "any", "messages": query.conversation})
    try:
        return estimate_prompt_tokens(parse(Endpoint.CHAT, body))
    except RequestError:
        # The gateway would refuse it; the upstream may too, and then it costs nothing.
        return estimate_tokens(write_transcript(query))


def _length(answer: Answered) -> int:
    return estimate_tokens(answer.text) if answer.completion_tokens is None else answer.completion_tokens


def _price(target: Target, *, n_calls: int, prompts: int, answers: int | None, basis: str) -> Forecast:
    spent: float | None = None
    if target.price is not None and answers is not None:
        spent = cost(target.price, Usage(prompt_tokens=prompts, completion_tokens=answers))
    return Forecast(
        name=target.name,
        n_calls=n_calls,
        prompt_tokens=prompts,
        answer_tokens=answers,
        cost_usd=spent,
        basis=basis if target.price is not None else f"{basis}; its price is not known",
    )
