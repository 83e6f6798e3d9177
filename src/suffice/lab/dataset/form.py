"""Queries and outcomes: the one form in which the lab holds what models answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from suffice.errors import DatasetError
from suffice.lab.checkers import Check
from suffice.lab.dataset.pairs import Pairs
from suffice.vocabulary import Token

_MAX_LISTED = 12


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked: a prompt, or a conversation."""

    query_id: Annotated[str, Meta(min_length=1)]
    category: str | None = None
    prompt: str | None = None
    """Text of a single user message; None where `messages` is given."""
    messages: tuple[dict[str, Any], ...] | None = None
    """Messages in OpenAI's form, as they were sent; None where `prompt` is given."""
    check: Check | None = None
    """How an answer is known to be right; None: nobody knows beforehand."""
    inclusion_probability: Annotated[float, Meta(gt=0, le=1)] | None = None
    """Chance with which the query was drawn from a larger set; None: it was not drawn. Figures about the larger set
    weight each query by the inverse."""

    @property
    def conversation(self) -> tuple[dict[str, Any], ...]:
        """The messages; a prompt is one user message."""
        return self.messages if self.messages is not None else ({"role": "user", "content": self.prompt},)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one model made of one query."""

    query_id: Annotated[str, Meta(min_length=1)]
    model: Annotated[str, Meta(min_length=1)]
    score: Annotated[float, Meta(ge=0, le=1)] | None = None
    """How good the answer is, in [0, 1]; below .5 it is a failure. None: nobody has judged it yet."""
    response: str | None = None
    logprobs: tuple[Token, ...] | None = None
    prompt_tokens: Annotated[int, Meta(ge=0)] | None = None
    completion_tokens: Annotated[int, Meta(ge=0)] | None = None
    cost_usd: Annotated[float, Meta(ge=0)] | None = None
    label_source: str | None = None
    """Who says the score: `check: number`, `judge NAME`, `agreement with large`, `feedback`, `human`; None: unknown."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Queries with their outcomes. Ragged outcomes are normal: not every model answered everything."""

    queries: tuple[Query, ...]
    models: tuple[str, ...]
    """Sorted by name."""
    outcomes: tuple[Outcome, ...]
    outcome_query: NDArray[np.intp]
    """Which of `queries` each outcome is of, shape (n outcomes,)."""
    outcome_model: NDArray[np.intp]
    """Which of `models` each outcome is of, shape (n outcomes,)."""
    scores: NDArray[np.float64]
    """Of each outcome, shape (n outcomes,); NaN where nobody has judged the answer yet."""

    @classmethod
    def of(cls, queries: Sequence[Query], outcomes: Sequence[Outcome]) -> "Dataset":
        """Join rows that were checked before.

        Raises:
            KeyError: An outcome of a query that is not there.
        """
        models = tuple(sorted({outcome.model for outcome in outcomes}))
        query_index = {query.query_id: index for index, query in enumerate(queries)}
        model_index = {model: index for index, model in enumerate(models)}
        return cls(
            queries=tuple(queries),
            models=models,
            outcomes=tuple(outcomes),
            outcome_query=np.array([query_index[outcome.query_id] for outcome in outcomes], dtype=np.intp),
            outcome_model=np.array([model_index[outcome.model] for outcome in outcomes], dtype=np.intp),
            scores=np.array([np.nan if outcome.score is None else outcome.score for outcome in outcomes], np.float64),
        )

    def sampling_weights(self) -> NDArray[np.float64]:
        """The inverse of each query's inclusion probability, shape (n queries,); 1 where it was not drawn."""
        return np.array([1.0 / (query.inclusion_probability or 1.0) for query in self.queries])

    def score_matrix(self) -> NDArray[np.float64]:
        """Scores by query and model, shape (n queries, n models); NaN where there is none."""
        matrix = np.full((len(self.queries), len(self.models)), np.nan)
        matrix[self.outcome_query, self.outcome_model] = self.scores
        return matrix

    def outcomes_of(self, model: str) -> Mapping[int, Outcome]:
        """A model's outcomes by index of the query.

        Raises:
            DatasetError: No such model; lists the known ones.
        """
        indices = np.flatnonzero(self.outcome_model == self._index_of(model))
        return {int(self.outcome_query[index]): self.outcomes[index] for index in indices}

    def pairs(self, small: str, large: str) -> Pairs:
        """The queries that both models answered and somebody judged, and how many were left out and why.

        Raises:
            DatasetError: An unknown model, or twice the same one.
        """
        if small == large:
            raise DatasetError(f"small and large are the same model, {small!r}; name two of {self._listed()}")
        scores: dict[str, NDArray[np.float64]] = {}
        answered: dict[str, NDArray[np.bool_]] = {}
        for model in (small, large):
            of_model = self.outcome_model == self._index_of(model)
            scores[model] = np.full(len(self.queries), np.nan)
            scores[model][self.outcome_query[of_model]] = self.scores[of_model]
            answered[model] = np.zeros(len(self.queries), dtype=np.bool_)
            answered[model][self.outcome_query[of_model]] = True
        usable = ~np.isnan(scores[small]) & ~np.isnan(scores[large])
        both = answered[small] & answered[large]
        left_out = {
            "neither model answered": ~answered[small] & ~answered[large],
            f"{small} did not answer": ~answered[small] & answered[large],
            f"{large} did not answer": answered[small] & ~answered[large],
            "an answer was not scored": both & ~usable,
        }
        return Pairs(
            small=small,
            large=large,
            query=np.flatnonzero(usable),
            small_scores=scores[small][usable],
            large_scores=scores[large][usable],
            left_out={reason: int(where.sum()) for reason, where in left_out.items() if where.any()},
        )

    def _index_of(self, model: str) -> int:
        if model in self.models:
            return self.models.index(model)
        close = get_close_matches(model, self.models, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ";"
        raise DatasetError(f"there is no outcome of model {model!r}{hint} known are {self._listed()}")

    def _listed(self) -> str:
        names = ", ".join(self.models[:_MAX_LISTED])
        more = len(self.models) - _MAX_LISTED
        return f"{names} and {more} more" if more > 0 else names
