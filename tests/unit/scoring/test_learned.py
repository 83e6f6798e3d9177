import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suffice.errors import BundleError
from suffice.estimators.bundle import Bundle, Manifest, load, save
from suffice.estimators.calibrators import Platt
from suffice.estimators.lexical import KIND, Layout, Trained
from suffice.estimators.lexical.surface import SURFACE
from suffice.features import read
from suffice.scoring.learned import Learned
from suffice.vocabulary import FEATURES_VERSION, TierName, Turn
from suffice.wire.request import Endpoint, parse

LAYOUT = Layout(word_bits=10, run_bits=12, pair_bits=10)
SMALL, LARGE = TierName("small"), TierName("large")
TIERS = {"tiny": SMALL, "huge": LARGE}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    rng = np.random.default_rng(3)
    trained = Trained(
        layout=LAYOUT,
        weights=rng.normal(scale=0.05, size=(LAYOUT.n_columns, 3)),
        intercepts=np.array([0.1, 0.6, 0.8]),
        reference=np.linspace(-0.5, 0.5, 101),
        typical=np.ones(len(SURFACE)),
        calibrators=[Platt(2.0, 0.0), Platt(3.0, 0.5)],
    )
    path = tmp_path_factory.mktemp("bundles") / "b"
    manifest = Manifest(kind=KIND, models=("tiny", "huge"), created="2026-11-23", parameters=trained.to_parameters())
    save(path, manifest, trained.to_arrays())
    return load(path)


@pytest.fixture(scope="module")
def learned(bundle: Bundle) -> Learned:
    return Learned(bundle, TIERS)


def turn_of(question: str, *, system: str = "", context: str = "") -> Turn:
    content = f"<context>{context}</context>\n\n{question}" if context else question
    messages = f'[{{"role":"system","content":"{system}"}},{{"role":"user","content":{content!r}}}]'.replace("'", '"')
    return read(parse(Endpoint.CHAT, f'{{"model":"auto","messages":{messages}}}'.encode())).turns[0]


def test_the_version_names_the_bundle_and_the_features(bundle: Bundle, learned: Learned) -> None:
    assert learned.version == f"learned-{bundle.id}-f{FEATURES_VERSION}"


def test_a_score_has_a_probability_for_each_tier(learned: Learned) -> None:
    score = learned.score(Turn(text="Prove it.", n_tokens=3))

    assert list(score.p_ok) == [SMALL, LARGE]


def test_a_model_without_a_tier_has_no_probability(bundle: Bundle, learned: Learned) -> None:
    turn = Turn(text="Prove it.", n_tokens=3)

    score = Learned(bundle, {"tiny": SMALL}).score(turn)

    assert list(score.p_ok) == [SMALL]
    assert score.complexity == learned.score(turn).complexity


def test_a_model_that_the_bundle_does_not_know_is_named(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="knows nothing of giant; it was trained for tiny, huge"):
        Learned(bundle, {"giant": LARGE})


@pytest.mark.parametrize("text", ["", " ", "\x00" * 100_000, "\ud800" * 100_000, "why? " * 50_000, "🚀" * 100_000])
def test_no_text_is_too_odd_for_a_score(learned: Learned, text: str) -> None:
    score = learned.score(Turn(text=text, n_tokens=1))

    assert 0.0 <= score.complexity <= 10.0
    assert all(0.0 < p < 1.0 for p in score.p_ok.values())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(), max_size=300))
def test_any_text_scores_within_the_scale(learned: Learned, text: str) -> None:
    score = learned.score(Turn(text=text, n_tokens=1))

    assert 0.0 <= score.complexity <= 10.0
    assert all(0.0 < p < 1.0 for p in score.p_ok.values())
    assert score == learned.score(Turn(text=text, n_tokens=1))


@pytest.mark.parametrize("where", ["system", "context"])
def test_8000_constant_tokens_leave_the_score_of_a_question_as_it_is(learned: Learned, where: str) -> None:
    question = "How long may I keep the kayak before I have to send it back?"
    constant = "The warehouse in Turin holds many kayaks and sells them in navy. " * 650

    plain = turn_of(question)
    surrounded = turn_of(question, **{where: constant})

    assert surrounded.n_constant_tokens > 8_000
    assert learned.score(surrounded).complexity == pytest.approx(learned.score(plain).complexity, abs=0.3)


def test_an_explanation_names_what_moved_the_score_most_the_strongest_first(learned: Learned) -> None:
    explanation = learned.explain(Turn(text="Prove that zebras sleep.", n_tokens=5), n_features=4)

    strengths = [abs(value) for value in explanation.values()]
    assert len(strengths) == 4
    assert strengths == sorted(strengths, reverse=True)
    assert all(math.isfinite(strength) for strength in strengths)
