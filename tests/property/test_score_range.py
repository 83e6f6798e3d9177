import math
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.features import estimate_tokens
from suffice.features.passages import part
from suffice.scoring import Scorer, build
from suffice.scoring.config import ScorerConfig
from suffice.testing.bundles import write_random_bundle
from suffice.vocabulary import TierName, Turn


def build_learned() -> Scorer:
    with TemporaryDirectory() as folder:
        write_random_bundle(Path(folder) / "b", models=("tiny", "huge"))
        return build(ScorerConfig(kind="learned", bundle="b"), folder=Path(folder), models={TierName("small"): "tiny"})


NAMED: Mapping[str, Scorer] = {
    "length": build(ScorerConfig(kind="length")),
    "report": build(ScorerConfig(kind="exemplars", form="report")),
    "rescaled": build(ScorerConfig(kind="exemplars", form="rescaled")),
    "equal-sentences": build(ScorerConfig(kind="exemplars", form="report", simple=["x"], complex=["x"])),
    "learned": build_learned(),
}
SCORERS, CONFIGS = list(NAMED.values()), list(NAMED)
ANY_TEXT = st.text(st.characters(), max_size=300)
HUGE = ["a" * 1_000_000, "\x00" * 1_000_000, "🚀 " * 300_000, "\ud800" * 1_000_000, "why? " * 200_000]


def check(scorer: Scorer, text: str) -> None:
    score = scorer.score(Turn(text=text, n_tokens=estimate_tokens(text)))
    assert 0.0 <= score.complexity <= 10.0
    assert all(math.isfinite(value) for value in score.explanation.values())
    assert all(0.0 < p < 1.0 for p in score.p_ok.values())


@pytest.mark.parametrize("scorer", SCORERS, ids=CONFIGS)
@given(text=ANY_TEXT)
def test_every_text_scores_between_zero_and_ten(scorer: Scorer, text: str) -> None:
    check(scorer, text)


@pytest.mark.parametrize("scorer", SCORERS, ids=CONFIGS)
@pytest.mark.parametrize("text", ["", " ", "\n", *HUGE], ids=lambda text: repr(text[:4]))
def test_empty_and_huge_texts_score_between_zero_and_ten(scorer: Scorer, text: str) -> None:
    check(scorer, text)


@given(text=ANY_TEXT)
def test_equal_turns_get_equal_scores(text: str) -> None:
    turn = Turn(text=text, n_tokens=1)

    for scorer in SCORERS:
        assert scorer.score(turn) == scorer.score(turn)


@given(text=st.text(st.characters(), max_size=200), times=st.integers(1, 40))
def test_parting_never_raises_and_bounds_what_stays(text: str, times: int) -> None:
    parted = part(text * times)

    assert len(parted.own) <= max(1_300, len(text)) + 3_000
    assert estimate_tokens(parted.own) >= 0


@pytest.mark.parametrize("text", HUGE, ids=lambda text: repr(text[:4]))
def test_of_a_huge_text_little_stays(text: str) -> None:
    parted = part(text)

    assert len(parted.own) <= 3_000
