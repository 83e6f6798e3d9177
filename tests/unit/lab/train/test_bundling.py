from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from drawn_examples import LAYOUT, draw_examples

from suffice.errors import BundleError
from suffice.estimators.bundle import THRESHOLD_NAMES, TrainingSource, load
from suffice.estimators.lexical import build
from suffice.lab.metrics import Evaluation, GainCurve, Plan, Ranking, auc
from suffice.lab.train.bundling import THRESHOLDS, Provenance, assess, describe, write_bundle
from suffice.lab.train.training import Fitted, TrainPlan, train_on

PLAN = Plan(n_resamples=40)
SOURCE = TrainingSource(name="own.jsonl", sha256="ab" * 32, n_queries=100, licence="own")


@cache
def fit() -> Fitted:
    return train_on(draw_examples(100, with_categories=True), TrainPlan(layout=LAYOUT))


@cache
def evaluate() -> Evaluation:
    return assess(fit(), PLAN)


def test_figures_are_those_of_what_was_cross_validated() -> None:
    fitted, evaluation = fit(), evaluate()

    curve = GainCurve.of(Ranking.of(fitted.gain), fitted.examples.paired)
    failed = 1 - fitted.examples.ok[:, 0]
    assert evaluation.gain.apgr.estimate == pytest.approx(curve.apgr())
    assert evaluation.auc.estimate == pytest.approx(auc(Ranking.of(-fitted.p_ok[:, 0]), failed))
    assert evaluation.brier is not None
    assert evaluation.brier.estimate == pytest.approx(np.mean((fitted.p_ok[:, 0] - fitted.examples.ok[:, 0]) ** 2))


def test_figures_stand_beside_the_controls() -> None:
    assert set(evaluate().controls) == {"shuffled", "oracle", "length", "category-only"}


def test_intervals_are_by_group() -> None:
    pairs = replace(fit().examples, groups=[f"g{index // 2}" for index in range(100)])

    assert assess(replace(fit(), examples=pairs), PLAN).n_groups == 50
    assert evaluate().n_groups == 100


def test_a_bundle_says_what_it_is(tmp_path: Path) -> None:
    written = write_bundle(
        tmp_path / "b", fit(), evaluate(), Provenance(sources=[SOURCE], created="2026-11-23", generic=True)
    )

    bundle = load(tmp_path / "b")
    manifest = bundle.manifest
    assert bundle.id == written.id
    assert list(manifest.models) == ["small", "large"]
    assert (manifest.created, manifest.generic) == ("2026-11-23", True)
    assert list(manifest.sources) == [SOURCE]
    assert manifest.metrics == describe(evaluate())
    assert build(bundle).rate("prove knots").complexity > build(bundle).rate("list knots").complexity


def test_thresholds_rise_from_the_one_that_sends_least_to_the_first_tier(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b", fit(), evaluate(), Provenance(sources=[], created="2026-11-23"))

    thresholds = bundle.manifest.thresholds
    assert thresholds == THRESHOLDS
    assert list(thresholds) == list(THRESHOLD_NAMES)
    assert all(low < high for low, high in pairwise(thresholds.values()))


def test_thresholds_send_as_many_further_up_as_is_said(tmp_path: Path) -> None:
    router = build(write_bundle(tmp_path / "b", fit(), evaluate(), Provenance(sources=[], created="2026-11-23")))

    complexities = np.array([router.rate(text).complexity for text in fit().examples.texts])

    shares = {name: float(np.mean(complexities > limit)) for name, limit in THRESHOLDS.items()}
    assert shares == pytest.approx({"quality": 0.6, "balanced": 0.3, "cheap": 0.15}, abs=0.13)


def test_a_bundle_carries_its_figures() -> None:
    figures = describe(evaluate())

    assert figures["n"] == figures["n_groups"] == 100
    assert figures["cv_apgr_low"] < figures["cv_apgr"] < figures["cv_apgr_high"]
    assert figures["always_small"] == pytest.approx(fit().examples.scores[:, 0].mean())
    assert figures["always_large"] == pytest.approx(fit().examples.scores[:, 1].mean())
    assert {"cv_cpt50", "cv_cpt80", "cv_acc_at_15", "cv_auc", "cv_ece", "cv_brier"} <= figures.keys()
    assert all(np.isfinite(value) for value in figures.values())


def test_what_cannot_be_measured_is_left_out() -> None:
    examples = draw_examples(100)
    turned = replace(examples, scores=examples.scores[:, ::-1])  # the large model is the worse one

    figures = describe(assess(train_on(turned, TrainPlan(layout=LAYOUT)), PLAN))

    assert not {"cv_apgr", "cv_apgr_low", "cv_cpt50", "cv_cpt80"} & figures.keys()
    assert figures["cv_brier"] > 0


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be written"):
        write_bundle(tmp_path / "none" / "b", fit(), evaluate(), Provenance(sources=[], created="2026-11-23"))
    assert not list(tmp_path.iterdir())
