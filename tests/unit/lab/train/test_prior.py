from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_examples import draw_examples, make_examples, serve

from suffice.errors import BundleError
from suffice.estimators.bundle import Bundle
from suffice.estimators.lexical import Layout, build
from suffice.lab.metrics import Floats
from suffice.lab.train.choice import apgr_of
from suffice.lab.train.examples import Examples
from suffice.lab.train.prior import Prior
from suffice.lab.train.training import TrainPlan, train_on
from suffice.testing import bundles

N_OWN = 60
PLAN = TrainPlan(layout=bundles.LAYOUT)
NOUNS = np.random.default_rng(3).choice(list("abcdefghijklmnopqrstuvwxyz"), size=(120, 5))
HARD_NOUNS = tuple(map("".join, NOUNS[:60]))
EASY_NOUNS = tuple(map("".join, NOUNS[60:]))
"""So many that few outcomes cannot tell all of them apart, and nothing else does."""


def draw_nouns(n: int, seed: int) -> Examples:
    """Texts of one hard or easy noun among neutral words."""
    rng = np.random.default_rng(seed)
    is_hard = rng.random(n) < 0.5
    nouns = [str(rng.choice(HARD_NOUNS if hard else EASY_NOUNS)) for hard in is_hard.tolist()]
    texts = [f"now {noun} {'and so on ' * int(rng.integers(0, 3))}" for noun in nouns]
    return make_examples(texts, is_hard, rng)


def write_prior(folder: Path, hard: Sequence[str], easy: Sequence[str], *, gain: float = 0.5) -> Bundle:
    words = {**dict.fromkeys(hard, gain), **dict.fromkeys(easy, -gain)}
    return bundles.write_bundle(folder / "prior", words)


@pytest.fixture
def right(tmp_path: Path) -> Bundle:
    return write_prior(tmp_path, HARD_NOUNS, EASY_NOUNS)


@pytest.fixture
def noise(tmp_path: Path) -> Bundle:
    """Right about one half of the nouns and wrong about the other."""
    return write_prior(tmp_path, [*HARD_NOUNS[::2], *EASY_NOUNS[::2]], [*HARD_NOUNS[1::2], *EASY_NOUNS[1::2]])


def trust_in(bundle: Bundle, examples: Examples) -> float:
    return Prior.of(bundle, examples, bundles.LAYOUT).trust(examples, np.arange(examples.n))


def fresh_apgr(examples: Examples, fresh: Examples, start: Bundle | None) -> float:
    trained = train_on(examples, PLAN, warm_start=start).trained
    return apgr_of(serve(trained, fresh.texts)[:, 0], fresh.paired)


def expected_gain(bundle: Bundle, examples: Examples) -> Floats:
    router = build(bundle)
    return np.array([router.lexical(text)[0] for text in examples.texts])


def test_a_prior_that_is_right_helps_where_own_outcomes_are_few(right: Bundle) -> None:
    fresh = draw_nouns(300, seed=99)

    gained = [
        fresh_apgr(own, fresh, right) - fresh_apgr(own, fresh, None)
        for own in (draw_nouns(N_OWN, seed=seed) for seed in range(3))
    ]

    assert min(gained) > 0.05


def test_a_prior_that_is_right_is_trusted_more_the_more_outcomes_bear_it_out(right: Bundle) -> None:
    few, more, many = (trust_in(right, draw_nouns(n, seed=1)) for n in (N_OWN, 300, 3_000))

    assert 0.1 < few < more < many <= 1.0


def test_a_prior_that_knows_nothing_gets_next_to_no_trust(noise: Bundle, tmp_path: Path) -> None:
    right = write_prior(tmp_path, HARD_NOUNS, EASY_NOUNS)

    in_noise, in_truth = (
        float(np.mean([trust_in(bundle, draw_nouns(N_OWN, seed=seed)) for seed in range(8)]))
        for bundle in (noise, right)
    )

    assert in_noise < 0.1
    assert in_truth > 4 * in_noise


def test_a_prior_that_is_wrong_is_not_turned_round(tmp_path: Path) -> None:
    wrong = write_prior(tmp_path, EASY_NOUNS, HARD_NOUNS)

    assert trust_in(wrong, draw_nouns(300, seed=0)) == 0.0


def test_a_prior_that_says_too_little_is_not_raised(tmp_path: Path) -> None:
    timid = write_prior(tmp_path, HARD_NOUNS, EASY_NOUNS, gain=0.01)

    assert trust_in(timid, draw_nouns(3_000, seed=0)) == 1.0


def test_a_prior_that_rates_all_texts_alike_has_nothing_to_be_trusted_in(tmp_path: Path) -> None:
    silent = write_prior(tmp_path, ["unheard"], ["unseen"])
    examples = draw_nouns(N_OWN, seed=0)

    fitted = train_on(examples, PLAN, warm_start=silent)

    assert fitted.trust == 0.0
    assert serve(fitted.trained, examples.texts[:5]) == pytest.approx(
        serve(train_on(examples, PLAN).trained, examples.texts[:5])
    )


def test_trust_looks_at_the_rows_given_alone(right: Bundle) -> None:
    examples = draw_nouns(300, seed=0)
    rows = np.arange(100)
    prior = Prior.of(right, examples, bundles.LAYOUT)
    changed = replace(examples, scores=np.vstack([examples.scores[:100], 1 - examples.scores[100:]]))

    trusts = [prior.trust(each.take(rows), rows) for each in (examples, changed)]

    assert trusts[0] == trusts[1]
    assert prior.trust(changed, np.arange(300)) != prior.trust(examples, np.arange(300))


def test_what_is_expected_is_the_bundles_expectation_as_far_as_it_is_trusted(right: Bundle) -> None:
    examples = draw_nouns(200, seed=0)
    rows = np.arange(100)
    prior = Prior.of(right, examples, bundles.LAYOUT)
    trust = prior.trust(examples.take(rows), rows)

    expected = prior.expect(examples.take(rows), rows)

    gain = expected_gain(right, examples)
    assert 0.0 < trust < 1.0
    assert expected == pytest.approx(trust * (gain - gain.mean()))


def test_features_laid_out_in_another_way_are_refused_by_name(right: Bundle) -> None:
    with pytest.raises(
        BundleError,
        match=rf"bundle {right.id} has features of \(12, 12, 10\) bits .*; .* needs \(17, 18, 0\): leave out --runs",
    ):
        Prior.of(right, draw_examples(), Layout())


def test_a_bundle_of_another_kind_is_refused(right: Bundle) -> None:
    other = replace(right, manifest=replace(right.manifest, kind="boosted"))

    with pytest.raises(BundleError, match="'boosted'"):
        train_on(draw_examples(), PLAN, warm_start=other)
