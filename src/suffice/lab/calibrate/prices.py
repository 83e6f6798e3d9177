"""What both models' answers cost: as stated, or tokens times prices."""

from dataclasses import dataclass

import numpy as np

from suffice.errors import DatasetError
from suffice.features import estimate_tokens
from suffice.lab.dataset import Outcome
from suffice.lab.operating import Costs
from suffice.lab.trial import Trial
from suffice.upstream.pricing import cost
from suffice.vocabulary import Features, Price, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Of both models."""

    small: Price
    large: Price
    source: str
    """Where they come from, for the report."""
    n_answer_tokens: int | None = None
    """Assumed of an answer whose length nobody knows; None: that is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Costs, and what they rest on."""

    costs: Costs
    basis: str


def make_bill(trial: Trial, prices: Prices | None) -> Bill:
    """What the answers cost. Prices come before costs that the outcomes state.

    Without counted tokens they are estimated from the texts. Escalations and router calls are not in it.

    Raises:
        DatasetError: There is neither a price nor a cost, or an answer whose length nobody knows.
    """
    if prices is None:
        return _stated(trial)
    n_counted = sum(
        outcome.prompt_tokens is not None and outcome.completion_tokens is not None
        for pair in trial.answers
        for outcome in pair
    )
    rows = [
        [
            float(cost(price, _count(outcome, features, prices.n_answer_tokens)))
            for outcome, price in zip(pair, (prices.small, prices.large), strict=True)
        ]
        for pair, features in zip(trial.answers, trial.requests, strict=True)
    ]
    small, large = np.array(rows, dtype=np.float64).T
    share = n_counted / (2 * len(trial.answers))
    assumed = "" if prices.n_answer_tokens is None else f", {prices.n_answer_tokens} a text where there is none"
    basis = f"{prices.source}; tokens counted for {share:.0%} of the answers, estimated for the rest{assumed}"
    return Bill(costs=Costs(small=small, large=large), basis=basis)


def _stated(trial: Trial) -> Bill:
    costs = [[outcome.cost_usd for outcome in pair] for pair in trial.answers]
    n_missing = sum(cost is None for pair in costs for cost in pair)
    if n_missing:
        raise DatasetError(
            f"{n_missing} of {2 * len(costs)} outcomes have no cost_usd, so there is no bill; give prices by --config"
            " or by --price-small and --price-large"
        )
    small, large = np.array(costs, dtype=np.float64).T
    return Bill(costs=Costs(small=small, large=large), basis="cost_usd of the outcomes")


def _count(outcome: Outcome, features: Features, n_assumed: int | None) -> Usage:
    """Tokens of an answer: counted, else estimated from the texts, else as assumed."""
    n_prompt = features.n_prompt_tokens if outcome.prompt_tokens is None else outcome.prompt_tokens
    n_answer = outcome.completion_tokens
    if n_answer is None:
        n_answer = n_assumed if outcome.response is None else estimate_tokens(outcome.response)
    if n_answer is None:
        raise DatasetError(
            f"the outcome of {outcome.model} on {outcome.query_id!r} has neither completion_tokens nor a response, so"
            " nobody knows what it cost; add either of them, or say --answer-tokens"
        )
    return Usage(prompt_tokens=n_prompt, completion_tokens=n_answer)
