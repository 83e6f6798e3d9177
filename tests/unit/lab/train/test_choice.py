from collections.abc import Sequence

import numpy as np
import pytest

from suffice.lab.metrics import Floats, PairedScores
from suffice.lab.train.choice import (
    Candidate,
    Mixture,
    apgr_of,
    candidates,
    choose,
    choose_penalty,
    nested,
    rank,
    worth,
)
from suffice.lab.train.crossval import PENALTIES, VIEWS, Held

N = 60
FOLDS = np.arange(N) % 3
N_PENALTIES = len(PENALTIES)


def draw_scores(seed: int = 0) -> PairedScores:
    rng = np.random.default_rng(seed)
    return PairedScores((rng.random(N) < 0.5).astype(float), (rng.random(N) < 0.8).astype(float))


def draw_held(n_gains: int = 2, seed: int = 1) -> list[Held]:
    rng = np.random.default_rng(seed)
    shape = (N, n_gains, len(PENALTIES))
    return [Held(view, rng.normal(size=shape), rng.normal(size=(N, 2, len(PENALTIES)))) for view in VIEWS]


def make_candidate(*, view: int = 0, share: float = 0.0, uplift: int = 0, quiet: int = 0) -> Candidate:
    return Candidate(
        view=view, view_name=("broad", "sharp")[view], quiet_share=share, uplift_penalty=uplift, quiet_penalty=quiet
    )


def change(scores: PairedScores, rows: Sequence[int]) -> PairedScores:
    small, large = scores.small.copy(), scores.large.copy()
    small[rows], large[rows] = 1 - small[rows], 1 - large[rows]
    return PairedScores(small, large)


def places_by_hand(gain: Floats) -> list[float]:
    """Of each the share of the others that is below, an equal one counting half."""
    values: list[float] = gain.tolist()
    return [
        (sum(one < each for one in values) + sum(one == each for one in values) / 2) / len(values) for each in values
    ]


@pytest.mark.parametrize(("n_gains", "expected"), [(1, 2 * N_PENALTIES), (2, 2 * N_PENALTIES * (2 + 3 * N_PENALTIES))])
def test_no_two_candidates_are_the_same(n_gains: int, expected: int) -> None:
    held = draw_held(n_gains)

    found = list(candidates(held))

    assert len(found) == expected
    assert len({each.predict(held).tobytes() for each in found}) == expected
    assert len({each.describe() for each in found}) == expected


def test_a_candidate_mixes_both_targets_by_its_share() -> None:
    held = draw_held()

    gain = make_candidate(view=1, share=0.25, uplift=2, quiet=1).predict(held)

    assert np.allclose(gain, 0.25 * held[1].gain[:, 1, 1] + 0.75 * held[1].gain[:, 0, 2])


def test_candidates_are_told_in_words() -> None:
    first, second, _, *_ = (f"{penalty:g}" for penalty in PENALTIES)
    described = make_candidate(share=0.25, quiet=1).describe()

    assert described == f"25% denoised (penalty {second}) + 75% uplift (penalty {first}), broad view"
    assert make_candidate(uplift=1).describe() == f"uplift, penalty {second}, broad view"
    assert make_candidate(view=1, share=1.0).describe() == f"100% denoised (penalty {first}), sharp view"


def test_worth_is_the_apgr() -> None:
    scores = draw_scores()

    assert worth(scores.uplift, scores) == apgr_of(scores.uplift, scores) > 0.9
    assert worth(np.zeros(N), scores) == pytest.approx(0.5)


def test_where_there_is_no_gap_worth_is_less_the_squared_error() -> None:
    scores = PairedScores(np.array([0.0, 1.0, 1.0]), np.array([1.0, 0.0, 1.0]))

    assert np.isnan(apgr_of(np.zeros(3), scores))
    assert worth(np.zeros(3), scores) == pytest.approx(-2 / 3)
    assert worth(scores.uplift, scores) == 0.0


def test_the_candidate_that_knows_is_chosen_first() -> None:
    scores, held = draw_scores(), draw_held()
    held[1].gain[:, 1, 2] = scores.uplift

    best, value = rank(held, scores)[0]
    chosen = choose(held, scores)

    assert (best.view, best.quiet_share, best.quiet_penalty) == (1, 1.0, 2)
    assert value == apgr_of(scores.uplift, scores)
    assert chosen.members[0] == best
    assert chosen.view == 1


def test_of_equal_candidates_the_plainest_comes_first() -> None:
    held = draw_held()
    for each in held:
        each.gain[:] = held[0].gain[:, :1, :1]

    assert rank(held, draw_scores())[0][0] == make_candidate()


def test_a_mixture_is_of_the_best_five_of_one_view() -> None:
    scores, held = draw_scores(), draw_held()

    chosen = choose(held, scores)

    of_view = [candidate for candidate, _ in rank(held, scores) if candidate.view == chosen.view]
    assert chosen.members == of_view[:5]
    assert np.allclose(chosen.predict(held), np.mean([each.predict(held) for each in of_view[:5]], axis=0))


def test_coefficients_say_how_much_of_each_target_and_penalty_is_in_it() -> None:
    held = draw_held()
    members = [make_candidate(share=0.25, uplift=1, quiet=2), make_candidate(uplift=1)]
    mixture = Mixture(view=0, members=members)

    coefficients = mixture.coefficients(2)

    assert coefficients[0, 1] == 0.5 * 0.75 + 0.5
    assert coefficients[1, 2] == 0.125
    assert coefficients.sum() == 1.0
    assert np.allclose(np.einsum("ntp,tp->n", held[0].gain, coefficients), mixture.predict(held))


def test_a_choice_looks_at_no_other_row() -> None:
    scores, held = draw_scores(), draw_held()
    rows = np.flatnonzero(FOLDS != 0)
    changed = change(scores, np.flatnonzero(FOLDS == 0).tolist())

    assert choose(held, scores, rows).members == choose(held, changed, rows).members
    assert choose(held, scores).members != choose(held, changed).members


@pytest.mark.parametrize("fold", range(3))
def test_what_is_chosen_for_a_fold_does_not_depend_on_its_outcomes(fold: int) -> None:
    scores, held = draw_scores(), draw_held()
    outside = np.equal(FOLDS, fold)

    before = nested(held, scores, FOLDS)
    after = nested(held, change(scores, np.flatnonzero(outside).tolist()), FOLDS)

    assert np.array_equal(before[outside], after[outside])
    assert not np.array_equal(before[~outside], after[~outside])


def test_a_row_has_its_place_in_its_fold() -> None:
    scores, held = draw_scores(), draw_held()
    for each in held:
        each.gain[:] = np.round(each.gain)  # so that there are ties

    found = nested(held, scores, FOLDS)

    for fold in range(3):
        outside = np.equal(FOLDS, fold)
        gain = choose(held, scores, np.flatnonzero(~outside)).predict(held)[outside]
        assert found[outside] == pytest.approx(places_by_hand(gain))
        assert 0.0 < found[outside].min() < found[outside].max() < 1.0


def test_the_penalty_nearest_to_what_happened_is_taken() -> None:
    ok = np.array([1.0, 0.0, 1.0])
    predicted = np.column_stack([1 - ok, np.full(3, 0.5), 0.5 + 0.4 * (ok - 0.5), np.full(3, 9.0)])

    assert choose_penalty(predicted, ok) == 2
