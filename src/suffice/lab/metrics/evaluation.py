"""One router on one set of outcomes: every figure with its interval, beside the controls on the same resamples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from suffice.lab.dataset.pairs import OK_SCORE
from suffice.lab.intervals import Interval
from suffice.lab.metrics import bootstrap, controls
from suffice.lab.metrics.bootstrap import Figure, Resamples
from suffice.lab.metrics.calibration import auc, brier_score, expected_calibration_error, perfect_ece_quantile
from suffice.lab.metrics.gain import MIN_GAP, GainCurve, PairedScores
from suffice.lab.metrics.ranking import Floats, Ranking

LARGE_SHARE = 0.15
"""The share to the large model at which accuracy is told: the split of the report to reproduce."""

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairedOutcomes:
    """What both models made of the same prompts, and what the controls may know of them."""

    scores: PairedScores
    groups: Sequence[str]
    """The group of near-duplicates, or the conversation, of each prompt; `bootstrap.join` merges both. Length n."""
    categories: Sequence[str] | None = None
    prompts: Sequence[str] | None = None
    """The user's words, for the control that looks at their length only."""

    def __post_init__(self) -> None:
        """Check that everything is about the same prompts.

        Raises:
            ValueError: Something is given for another number of prompts than there are scores.
        """
        n = self.scores.small.size
        given = {"groups": self.groups, "categories": self.categories, "prompts": self.prompts}
        if wrong := {name: len(values) for name, values in given.items() if values is not None and len(values) != n}:
            raise ValueError(f"{n} pairs of scores, but {wrong}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to evaluate."""

    n_resamples: int = bootstrap.N_RESAMPLES
    level: float = bootstrap.LEVEL
    """Coverage of the intervals, in (0, 1)."""
    seed: int = 0
    """Of the resamples, of the folds of `category-only` and of the simulated predictors."""
    eleven_points: bool = False
    """APGR and CPT from RouteLLM's eleven thresholds, for comparison with tables published with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GainFigures:
    """The figures of a ranking, or differences of such."""

    apgr: Interval
    cpt50: Interval
    """Share to the large model that recovers half of the gap; of the differences, below 0 is better."""
    cpt80: Interval
    acc_at_15: Interval
    """Mean score where 15 % of the prompts go to the large model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A control's figures, and what the router has over them."""

    figures: GainFigures
    difference: GainFigures
    """The router's figures less the control's, on the same resamples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A router's figures; whatever is NaN has its reason in `undefined`."""

    n: int
    n_groups: int
    gain: GainFigures
    auc: Interval
    """Of small-model failure, from 1 - p_ok, or from complexity where there is no p_ok."""
    ece: Interval | None
    """None without p_ok; the interval is mirrored, because the ECE of a sample is too large."""
    ece_of_perfect: float | None
    """What 95 % of perfectly calibrated predictors with these predictions stay below."""
    brier: Interval | None
    always_small: Interval
    """Mean score."""
    always_large: Interval
    controls: Mapping[str, Control]
    undefined: Mapping[str, str]
    plan: Plan = field(default_factory=Plan)

    def to_json(self) -> dict[str, object]:
        """For `suffice evaluate --json`; figures that do not exist are null, each interval is `NAME_ci`."""
        always = {"always-small": (self.always_small, 0.0), "always-large": (self.always_large, 1.0)}
        rows: dict[str, Json] = {
            name: {**_pair("acc", interval), "large_share": share} for name, (interval, share) in always.items()
        }
        for name, control in self.controls.items():
            rows[name] = {**_pairs(control.figures), **_pairs(control.difference, suffix="_difference")}
        return {
            "n": self.n,
            "n_groups": self.n_groups,
            "level": self.plan.level,
            "n_resamples": self.plan.n_resamples,
            "seed": self.plan.seed,
            "thresholds": 11 if self.plan.eleven_points else "all",
            **_pairs(self.gain),
            **_pair("auc", self.auc),
            "auc_of": "complexity" if self.ece is None else "p_ok",
            **_pair("ece", self.ece),
            "ece_of_perfect": self.ece_of_perfect,
            **_pair("brier", self.brier),
            "controls": rows,
            "undefined": dict(self.undefined),
        }


def evaluate(
    complexity: Floats,
    p_ok_small: Floats | None,
    outcomes: PairedOutcomes,
    *,
    baselines: Mapping[str, Floats] | None = None,
    plan: Plan | None = None,
) -> Evaluation:
    """Measure a router beside the controls.

    The controls are `shuffled`, `oracle`, `length` where prompts are given, `category-only` where categories are, and
    always-small and always-large, which have a mean score only. None is trained anew on resamples.

    Args:
        complexity: What the gateway compares with its threshold, shape (n,).
        p_ok_small: Probability that the small model's answer is acceptable, shape (n,), in [0, 1].
        outcomes: Of the same n prompts.
        baselines: Complexities of further controls by name, each of shape (n,), such as `exemplars`.
        plan: How; the defaults if left out.

    Raises:
        ValueError: Shapes differ, a complexity is NaN, or p_ok is not in [0, 1].
    """
    plan = plan or Plan()
    scores = outcomes.scores
    ranked = {name: Ranking.of(one) for name, one in _controls(outcomes, baselines or {}, plan).items()}
    resamples = Resamples.draw(outcomes.groups, n_resamples=plan.n_resamples, seed=plan.seed)
    router = Ranking.of(complexity)
    figures = _gain_figures(router, scores, resamples, plan)
    beside = {name: _gain_figures(ranking, scores, resamples, plan) for name, ranking in ranked.items()}
    failed = (scores.small < OK_SCORE).astype(np.float64)
    of_failure = router if p_ok_small is None else Ranking.of(-p_ok_small)
    always = resamples.measure(lambda weights: _means(scores, weights))
    ece = None if p_ok_small is None else _ece(p_ok_small, 1 - failed, resamples)
    brier = None if p_ok_small is None else _brier(p_ok_small, 1 - failed, resamples)
    gain = _intervals(figures, plan)
    return Evaluation(
        n=failed.size,
        n_groups=resamples.counts.shape[1],
        gain=gain,
        auc=resamples.figure(lambda weights: auc(of_failure, failed, weights=weights)).interval(plan.level),
        ece=ece and ece.reflected(plan.level),
        ece_of_perfect=None if p_ok_small is None else perfect_ece_quantile(p_ok_small, seed=plan.seed),
        brier=brier and brier.interval(plan.level),
        always_small=always["small"].interval(plan.level),
        always_large=always["large"].interval(plan.level),
        controls={name: _compare(figures, other, plan) for name, other in beside.items()},
        undefined=_reasons(scores, int(failed.sum()), gain.apgr),
        plan=plan,
    )


def _controls(outcomes: PairedOutcomes, baselines: Mapping[str, Floats], plan: Plan) -> dict[str, Floats]:
    complexities = {"shuffled": controls.shuffled(outcomes.scores.small.size)}
    if outcomes.prompts is not None:
        complexities["length"] = controls.length(outcomes.prompts)
    if outcomes.categories is not None:
        complexities["category-only"] = controls.category_only(
            outcomes.scores.uplift, outcomes.categories, outcomes.groups, seed=plan.seed
        )
    return {**complexities, **baselines, "oracle": controls.oracle(outcomes.scores)}


def _gain_figures(ranking: Ranking, scores: PairedScores, resamples: Resamples, plan: Plan) -> dict[str, Figure]:
    def compute(weights: Floats) -> dict[str, float]:
        curve = GainCurve.of(ranking, scores, weights)
        told = GainCurve.of_eleven_points(ranking, scores, weights) if plan.eleven_points else curve
        return {
            "apgr": told.apgr(),
            "cpt50": told.cpt(0.5),
            "cpt80": told.cpt(0.8),
            "acc_at_15": curve.score_at(LARGE_SHARE),
        }

    return resamples.measure(compute)


def _ece(p: Floats, ok: Floats, resamples: Resamples) -> Figure:
    return resamples.figure(lambda weights: expected_calibration_error(p, ok, weights=weights))


def _brier(p: Floats, ok: Floats, resamples: Resamples) -> Figure:
    return resamples.figure(lambda weights: brier_score(p, ok, weights=weights))


def _means(scores: PairedScores, weights: Floats) -> dict[str, float]:
    n = float(weights.sum())
    return {"small": float(weights @ scores.small) / n, "large": float(weights @ scores.large) / n}


def _intervals(figures: Mapping[str, Figure], plan: Plan) -> GainFigures:
    return GainFigures(**{name: figure.interval(plan.level) for name, figure in figures.items()})


def _compare(router: Mapping[str, Figure], other: Mapping[str, Figure], plan: Plan) -> Control:
    difference = {name: figure - other[name] for name, figure in router.items()}
    return Control(figures=_intervals(other, plan), difference=_intervals(difference, plan))


def _reasons(scores: PairedScores, n_failed: int, apgr: Interval) -> dict[str, str]:
    """Why figures or intervals are NaN, by their names in JSON."""
    reasons: dict[str, str] = {}
    gap = float(scores.uplift.mean())
    of_gap = ("apgr", "cpt50", "cpt80")
    if gap < MIN_GAP:
        reason = f"the large model gains nothing over the small one ({gap:+.4f} on average): no gap to recover"
        reasons |= dict.fromkeys(of_gap, reason)
    elif apgr.n_groups > 1 and np.isnan(apgr.low):
        reason = f"the large model's gain ({gap:+.4f} on average) vanishes in too many resamples"
        reasons |= dict.fromkeys((f"{name}_ci" for name in of_gap), reason)
    if n_failed in (0, scores.small.size):
        which = "never" if n_failed == 0 else "always"
        reasons["auc"] = f"the small model {which} fails: nothing to tell apart"
    if apgr.n_groups == 1:
        reasons["ci"] = "all prompts are of one group: nothing to resample"
    return reasons


def _pairs(figures: GainFigures, *, suffix: str = "") -> dict[str, object]:
    names = ("apgr", "cpt50", "cpt80", "acc_at_15")
    return {key: value for name in names for key, value in _pair(name + suffix, getattr(figures, name)).items()}


def _pair(name: str, interval: Interval | None) -> dict[str, object]:
    return {name: None, f"{name}_ci": None} if interval is None else interval.document(name)
