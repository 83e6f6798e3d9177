"""What a run of labelling came to, for people and machines."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suffice.lab.intervals import Interval
from suffice.lab.label.journal import Journal
from suffice.lab.label.rates import Rate, measure_rates
from suffice.lab.label.scoring import Label, Place
from suffice.lab.label.session import Labelled, Work
from suffice.lab.label.verdicts import SelfAgreement, measure_self


@dataclass(frozen=True, slots=True, kw_only=True)
class TierCount:
    """What a tier answered."""

    tier: str
    model: str
    n_answered: int
    n_failed: int
    n_cut: int
    """Answers that reached the limit of tokens."""
    n_empty: int
    n_unscored: int
    n_unpriced: int
    """Answers whose cost is not known."""
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All figures of a run."""

    n_queries: int
    n_groups: int
    tiers: Sequence[TierCount]
    rates: Sequence[Rate]
    self_agreement: SelfAgreement | None
    judge: str | None
    judges_itself: bool
    n_judge_failures: int
    failures: Mapping[str, int]
    """How often what went wrong, in tiers and judge."""
    spent_usd: float
    """By all runs in this folder, rejected replies of the judge included."""

    @property
    def n_failed(self) -> int:
        """Answers and verdicts that are missing."""
        return sum(self.failures.values())

    def warnings(self) -> list[str]:
        """What must be known before any of the figures is believed."""
        found: list[str] = []
        if self.judges_itself:
            found.append(
                f"THE JUDGE JUDGES ITSELF: {self.judge} is one of the compared models, and models prefer their own"
                " answers. Its labels are marked; take another judge, or check it with --human"
            )
        agreement = self.self_agreement
        if agreement is not None and agreement.is_low:
            found.append(
                f"the judge contradicts itself: it agrees with itself on {agreement.agreement.estimate:.0%} of"
                f" {agreement.agreement.n} pairs when they are shown the other way round; its labels say little"
            )
        if self.n_failed:
            found.append(f"{self.n_failed} calls failed and are not scored; the same command makes them again")
        return found

    def document(self) -> dict[str, Any]:
        """For machines."""
        agreement = self.self_agreement
        return {
            "n_queries": self.n_queries,
            "n_groups": self.n_groups,
            "tiers": [_tier_document(count) for count in self.tiers],
            "rates": [_rate_document(rate) for rate in self.rates],
            "judge": None
            if self.judge is None
            else {
                "name": self.judge,
                "judges_itself": self.judges_itself,
                "failed": self.n_judge_failures,
                "self_agreement": None if agreement is None else _interval(agreement.agreement),
                "first_share": None if agreement is None else agreement.first_share,
            },
            "failures": dict(self.failures),
            "spent_usd": self.spent_usd,
            "warnings": self.warnings(),
        }


def write_report(work: Work, journal: Journal, done: Labelled, human: Mapping[Place, Label]) -> Report:
    """Count and measure."""
    labels: dict[Place, Label] = {**done.labels, **human}
    failures = Counter([*done.failures.values(), *done.judge_failures.values()])
    return Report(
        n_queries=len(work.queries),
        n_groups=len({work.groups[query.query_id] for query in work.queries}),
        tiers=[_count(work, journal, done, labels, target.name) for target in work.targets],
        rates=measure_rates(work.queries, work.groups, work.tiers, done.labels, _answered(human, journal)),
        self_agreement=None if work.judge is None else measure_self(work.judge, journal, dict(work.groups)),
        judge=None if work.judge is None else work.judge.target.model,
        judges_itself=work.judge is not None and work.judge.judges_itself,
        n_judge_failures=len(done.judge_failures),
        failures=dict(failures.most_common()),
        spent_usd=journal.spent_usd,
    )


def _answered(human: Mapping[Place, Label], journal: Journal) -> dict[Place, Label]:
    return {place: label for place, label in human.items() if place in journal.answers}


def _count(work: Work, journal: Journal, done: Labelled, labels: Mapping[Place, Label], tier: str) -> TierCount:
    places = [(query.query_id, tier) for query in work.queries]
    answers = [(place, journal.answers[place]) for place in places if place in journal.answers]
    return TierCount(
        tier=tier,
        model=work.titles[tier],
        n_answered=len(answers),
        n_failed=sum(place in done.failures for place in places),
        n_cut=sum(answer.finish_reason == "length" for _, answer in answers),
        n_empty=sum(not answer.text.strip() for _, answer in answers),
        n_unscored=sum(place not in labels for place, _ in answers),
        n_unpriced=sum(answer.cost_usd is None for _, answer in answers),
        cost_usd=sum(answer.cost_usd or 0.0 for _, answer in answers),
    )


def _tier_document(count: TierCount) -> dict[str, Any]:
    return {
        "tier": count.tier,
        "model": count.model,
        "answered": count.n_answered,
        "failed": count.n_failed,
        "cut": count.n_cut,
        "empty": count.n_empty,
        "unscored": count.n_unscored,
        "unpriced": count.n_unpriced,
        "cost_usd": count.cost_usd,
    }


def _rate_document(rate: Rate) -> dict[str, Any]:
    document: dict[str, Any] = {
        "tier": rate.tier,
        "source": rate.source,
        "is_reference": rate.is_reference,
        "acceptable": _interval(rate.acceptable),
        "mean_score": _interval(rate.mean_score),
    }
    corrected = rate.corrected
    if corrected is not None:
        confusion = corrected.confusion
        document["human"] = {
            "n": confusion.n,
            "sensitivity": confusion.sensitivity,
            "specificity": confusion.specificity,
            "hits": confusion.n_hits,
            "misses": confusion.n_misses,
            "correct_rejections": confusion.n_correct_rejections,
            "false_alarms": confusion.n_false_alarms,
            "corrected": None if corrected.rate is None else _interval(corrected.rate),
            "problem": corrected.problem,
        }
    return document


def _interval(interval: Interval) -> dict[str, Any]:
    bounds = {"low": interval.low, "high": interval.high}
    # NaN is no JSON: one group alone has no interval.
    known = {name: value if value == value else None for name, value in bounds.items()}  # noqa: PLR0124 - NaN is not itself
    return {"estimate": interval.estimate, **known, "n": interval.n, "n_groups": interval.n_groups}
