from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from suffice.errors import ConfigError
from suffice.estimators.encoders import HashedEncoder
from suffice.scoring.config import ScorerConfig
from suffice.scoring.exemplars import Exemplars, Form, build_exemplars
from suffice.scoring.reference import REFERENCE_TURNS
from suffice.vocabulary import FEATURES_VERSION, Turn


@dataclass
class FakeEncoder:
    """Knows some texts; all others lie half-way between its axes."""

    vectors: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    version: str = "fake-1"

    def encode(self, texts: Sequence[str]) -> NDArray[Any]:
        return np.array([self.vectors.get(text, (0.6, 0.6)) for text in texts], dtype=np.float64)


def turn(text: str) -> Turn:
    return Turn(text=text, n_tokens=3)


def make_report(**vectors: tuple[float, float]) -> Exemplars:
    known = {"simple": (1.0, 0.0), "complex": (0.0, 1.0), **vectors}
    return Exemplars(FakeEncoder(known), form="report", simple=["simple"], complex_=["complex"])


def test_the_report_form_is_the_published_formula() -> None:
    scorer = make_report(q=(0.3, 0.5))

    score = scorer.score(turn("q"))

    assert score.complexity == pytest.approx(10 * 0.5 / (0.3 + 0.5 + 0.01), rel=1e-5)


def test_the_explanation_names_both_similarities_and_the_tokens() -> None:
    scorer = make_report(q=(0.3, 0.5))

    explanation = scorer.score(turn("q")).explanation

    assert explanation == pytest.approx({"s_simple": 0.3, "s_complex": 0.5, "n_tokens": 3.0}, rel=1e-5)


@pytest.mark.parametrize(
    ("vector", "complexity"),
    [
        ((-0.01, 0.0), 10.0),
        ((-0.3, 0.2), 0.0),
        ((-0.505, 0.5), 10.0),
        ((0.5, -0.3), 0.0),
        ((-0.4, -0.2), 3.39),
        ((-0.2, -0.6), 7.59),
    ],
    ids=[
        "denominator-0",
        "denominator-below-0",
        "denominator-near-0",
        "complex-below-0",
        "both-below-0",
        "both-far-below-0",
    ],
)
def test_negative_cosines_stay_on_the_scale(vector: tuple[float, float], complexity: float) -> None:
    scorer = make_report(q=vector)

    score = scorer.score(turn("q"))

    assert score.complexity == pytest.approx(complexity, abs=0.01)


def test_a_similarity_is_the_mean_over_the_sentences() -> None:
    encoder = FakeEncoder({"s1": (1.0, 0.0), "s2": (0.0, 1.0), "c": (0.0, 1.0), "q": (0.8, 0.2)})
    scorer = Exemplars(encoder, form="report", simple=["s1", "s2"], complex_=["c"])

    explanation = scorer.score(turn("q")).explanation

    assert explanation["s_simple"] == pytest.approx(0.5)


def test_the_rescaled_form_puts_forty_per_cent_of_the_reference_below_four() -> None:
    scorer = build_exemplars(ScorerConfig(form="rescaled"), HashedEncoder())

    complexities = [scorer.score(reference).complexity for reference in REFERENCE_TURNS]

    assert np.mean([complexity <= 4.0 for complexity in complexities]) == pytest.approx(0.4, abs=0.01)
    assert (min(complexities), max(complexities)) == (0.0, 10.0)


@pytest.mark.parametrize("form", ["rescaled", "report"])
def test_the_shipped_sentences_part_easy_from_hard(form: Form) -> None:
    scorer = build_exemplars(ScorerConfig(form=form), HashedEncoder())

    easy = scorer.score(turn("What are your opening hours?")).complexity
    hard = scorer.score(
        turn("Write a thread-safe queue in Rust, and prove step by step that it never deadlocks.")
    ).complexity

    assert easy < 4.0 < hard


def test_the_operators_sentences_take_the_place_of_the_shipped_ones() -> None:
    config = ScorerConfig(form="report", simple=["reset the router"], complex=["audit the contract"])
    scorer = build_exemplars(config, HashedEncoder())

    easy, hard = (scorer.score(turn(text)).complexity for text in ("reset the router", "audit the contract"))

    assert easy < 2.0
    assert hard > 8.0


@pytest.mark.parametrize(
    "other",
    [
        ScorerConfig(form="report"),
        ScorerConfig(simple=["a"]),
        ScorerConfig(complex=["a"]),
        ScorerConfig(simple=["b"]),
        ScorerConfig(simple=["a", "b"]),
        ScorerConfig(simple=["ab"]),
    ],
)
def test_versions_differ_where_scores_may(other: ScorerConfig) -> None:
    configs = [ScorerConfig(), ScorerConfig(form="report"), ScorerConfig(simple=["a"]), ScorerConfig(complex=["a"])]
    versions = {build_exemplars(config, HashedEncoder()).version for config in configs if config != other}

    version = build_exemplars(other, HashedEncoder()).version

    assert version not in versions


def test_the_version_names_form_encoder_and_features() -> None:
    version = build_exemplars(ScorerConfig(form="report"), FakeEncoder()).version

    assert version.startswith("exemplars-report-fake-1-")
    assert version.endswith(f"-f{FEATURES_VERSION}")


def test_every_empty_sentence_is_reported() -> None:
    config = ScorerConfig(simple=["fine", "  "], complex=[""])

    with pytest.raises(ConfigError) as caught:
        build_exemplars(config, FakeEncoder())

    assert [mistake.path for mistake in caught.value.mistakes] == ["scorer.simple[1]", "scorer.complex[0]"]
