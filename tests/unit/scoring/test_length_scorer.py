import pytest

from suffice.scoring import Length
from suffice.vocabulary import Turn


@pytest.mark.parametrize(
    ("n_tokens", "complexity"), [(0, 0.0), (16, 1.43), (95, 3.98), (2_048, 10.0), (10_000_000, 10.0)]
)
def test_complexity_grows_with_the_logarithm_of_the_length(n_tokens: int, complexity: float) -> None:
    score = Length().score(Turn(text="", n_tokens=n_tokens))

    assert score.complexity == pytest.approx(complexity, abs=0.01)


def test_what_stands_around_the_question_is_told_but_does_not_count() -> None:
    bare = Length().score(Turn(text="hi", n_tokens=1))

    score = Length().score(Turn(text="hi", n_tokens=1, n_constant_tokens=8_000))

    assert score.complexity == bare.complexity
    assert score.explanation == {"n_tokens": 1.0, "n_constant_tokens": 8_000.0}
