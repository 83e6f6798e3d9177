"""Training never parts a group, whatever the groups are, and mixes what it chose to a whole."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suffice.estimators.lexical import Layout, extract
from suffice.lab.dataset import assign_folds
from suffice.lab.metrics import PairedScores
from suffice.lab.train.choice import SHARES, Candidate, Mixture, nested
from suffice.lab.train.crossval import PENALTIES, VIEWS, Held, hold_out
from suffice.lab.train.curve import draw_groups
from suffice.lab.train.design import TextFeatures
from suffice.lab.train.examples import Examples
from suffice.lab.train.targets import category_means

N = 30
LAYOUT = Layout(word_bits=6, run_bits=6)
group_names = st.lists(st.sampled_from("abcdefg"), min_size=N, max_size=N).filter(lambda names: len(set(names)) > 3)
seeds = st.integers(0, 2**32 - 1)
candidates = st.builds(
    Candidate,
    view=st.just(0),
    view_name=st.just("broad"),
    quiet_share=st.sampled_from(SHARES),
    uplift_penalty=st.integers(0, len(PENALTIES) - 1),
    quiet_penalty=st.integers(0, len(PENALTIES) - 1),
)


@cache
def draw_examples() -> Examples:
    rng = np.random.default_rng(0)
    return Examples(
        models=("small", "large"),
        texts=[f"{'prove' if index % 3 else 'list'} {index * 7919 % 101}" for index in range(N)],
        groups=["a"] * N,
        categories=None,
        scores=rng.integers(0, 2, (N, 2)).astype(np.float64),
        other_scores=np.empty((N, 0)),
        left_out={},
    )


@settings(deadline=None, max_examples=25)
@given(groups=group_names, seed=seeds)
def test_no_outcome_of_a_group_is_in_what_is_predicted_of_it(groups: list[str], seed: int) -> None:
    examples = replace(draw_examples(), groups=groups)
    folds = assign_folds(groups, 3, seed=seed)
    features = TextFeatures.of(extract(examples.texts, LAYOUT), LAYOUT)
    of_group = np.array([name == groups[0] for name in groups])
    changed = replace(examples, scores=np.where(of_group[:, None], 1 - examples.scores, examples.scores))

    before, after = hold_out(examples, features, folds), hold_out(changed, features, folds)

    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one.gain[of_group], other.gain[of_group])
        assert np.array_equal(one.ok[of_group], other.ok[of_group])


@given(members=st.lists(candidates, min_size=1, max_size=5), seed=seeds)
def test_a_mixture_is_a_whole_and_says_what_its_coefficients_say(members: list[Candidate], seed: int) -> None:
    shape = (N, 2, len(PENALTIES))
    held = [Held(VIEWS[0], np.random.default_rng(seed).normal(size=shape), np.empty(shape))]
    mixture = Mixture(view=0, members=members)

    coefficients = mixture.coefficients(2)

    assert coefficients.sum() == pytest.approx(1.0)
    assert (coefficients >= 0).all()
    assert np.einsum("ntp,tp->n", held[0].gain, coefficients) == pytest.approx(mixture.predict(held))


@settings(deadline=None, max_examples=25)
@given(groups=group_names, seed=seeds)
def test_places_in_a_fold_have_a_half_for_their_mean(groups: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    folds = assign_folds(groups, 3, seed=seed)
    gain = rng.integers(0, 3, (N, 1, len(PENALTIES))).astype(np.float64)
    scores = PairedScores(rng.integers(0, 2, N).astype(np.float64), rng.integers(0, 2, N).astype(np.float64))

    found = nested([Held(VIEWS[0], gain, gain)], scores, folds)

    assert ((found > 0) & (found < 1)).all()
    for fold in range(3):
        assert found[folds == fold].mean() == pytest.approx(0.5)


@given(groups=group_names, n_rows=st.integers(1, N), seed=seeds)
def test_at_most_one_group_of_a_draw_is_cut(groups: list[str], n_rows: int, seed: int) -> None:
    rows: list[int] = draw_groups(groups, n_rows, seed=seed).tolist()

    sizes, drawn = Counter(groups), Counter(groups[row] for row in rows)
    assert len(set(rows)) == n_rows
    assert sum(drawn[name] < sizes[name] for name in drawn) <= 1


@given(values=st.lists(st.floats(-1, 1), min_size=N, max_size=N), categories=group_names)
def test_means_of_categories_keep_the_range_and_lie_nearer_to_the_middle(
    values: list[float], categories: list[str]
) -> None:
    means = category_means(np.array(values), categories)

    overall = float(np.mean(values))
    for name in set(categories):
        own = [value for value, category in zip(values, categories, strict=True) if category == name]
        found = {float(mean) for mean, category in zip(means.tolist(), categories, strict=True) if category == name}
        assert len(found) == 1
        assert abs(found.pop() - overall) <= abs(float(np.mean(own)) - overall) + 1e-12
