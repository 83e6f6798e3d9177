"""Making many calls: a bounded number at once, each written down when it is done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from suffice.errors import LabelError
from suffice.lab.dataset import Query
from suffice.lab.label.calls import Asking, CallError, Target, ask
from suffice.lab.label.journal import Answered, Failed, Journal

_Job = TypeVar("_Job")

MAX_FAILURES_IN_A_ROW = 20
"""Of one model; after so many it is asked nothing more, for it is down, or the calls are wrong."""


@dataclass(slots=True)
class Brake:
    """Notices a model that no longer answers."""

    _in_a_row: dict[str, int] = field(default_factory=dict[str, int])
    stopped: LabelError | None = None
    """Why no further call is made."""

    def note_success(self, name: str) -> None:
        """A call of a model went well."""
        self._in_a_row[name] = 0

    def note_failure(self, name: str, reason: str) -> None:
        """A call of a model failed."""
        self._in_a_row[name] = self._in_a_row.get(name, 0) + 1
        if self._in_a_row[name] >= MAX_FAILURES_IN_A_ROW and self.stopped is None:
            self.stopped = LabelError(
                f"{name} failed {self._in_a_row[name]} calls in a row, the last with: {reason}. What was answered is"
                " kept: mend it (`suffice check` pings every replica; --concurrency makes fewer calls at once), and run"
                " the same command again"
            )


async def run_all(
    jobs: Iterable[_Job], work: Callable[[_Job], Awaitable[None]], *, concurrency: int, brake: Brake
) -> None:
    """Do all jobs, so many at once; on the brake, those under way are brought to their end and no other is begun.

    Raises:
        LabelError: The brake stopped it, or something that `work` raised.
    """
    waiting = iter(jobs)

    async def work_off() -> None:
        for job in waiting:
            if brake.stopped is not None:
                return
            await work(job)

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(concurrency):
                tasks.create_task(work_off())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    if brake.stopped is not None:
        raise brake.stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query that a tier is to answer."""

    query: Query
    target: Target


def list_questions(queries: Sequence[Query], targets: Sequence[Target], journal: Journal) -> list[Question]:
    """What nobody has answered yet, query by query, so that a run that ends early has pairs."""
    return [
        Question(query=query, target=target)
        for query in queries
        for target in targets
        if (query.query_id, target.name) not in journal.answers
    ]


async def answer_all(
    questions: Sequence[Question],
    journal: Journal,
    asking: Asking,
    *,
    concurrency: int,
    on_done: Callable[[], None],
) -> Mapping[tuple[str, str], str]:
    """Ask every question once and write down what came.

    Args:
        questions: What to ask.
        journal: Takes every answer, and every failure with its reason.
        asking: How.
        concurrency: Calls at once.
        on_done: Told after each call.

    Returns:
        The reasons of the failures, by query and tier.

    Raises:
        LabelError: A tier fails again and again, or the journal cannot be written.
    """
    brake = Brake()
    failures: dict[tuple[str, str], str] = {}

    async def answer(question: Question) -> None:
        query_id, tier = question.query.query_id, question.target.name
        try:
            got = await ask(question.target, question.query.conversation, asking)
        except CallError as error:
            failures[query_id, tier] = str(error)
            journal.append(Failed(query_id=query_id, tier=tier, reason=str(error)))
            brake.note_failure(f"tier {tier}", str(error))
        else:
            journal.append(
                Answered(
                    query_id=query_id,
                    tier=tier,
                    text=got.text,
                    finish_reason=got.finish_reason,
                    logprobs=got.logprobs,
                    prompt_tokens=got.prompt_tokens,
                    completion_tokens=got.completion_tokens,
                    cost_usd=got.cost_usd,
                )
            )
            brake.note_success(f"tier {tier}")
        on_done()

    await run_all(questions, answer, concurrency=concurrency, brake=brake)
    return failures
