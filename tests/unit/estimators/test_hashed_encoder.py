import numpy as np
import pytest

from suffice.estimators.encoders import HashedEncoder, normalise, readable

ENCODER = HashedEncoder()


def cosine(one: str, other: str) -> float:
    rows = ENCODER.encode([one, other])
    return float(rows[0] @ rows[1])


@pytest.mark.parametrize("text", ["", " ", "a", "yes", "\x00", "\ud800", "🚀", "包裹昨天到了", "word " * 100_000])
def test_every_row_has_unit_length(text: str) -> None:
    rows = ENCODER.encode([text])

    assert rows.shape == (1, 8192)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows[0]) == pytest.approx(1.0, abs=1e-5)


def test_equal_texts_are_alike_whatever_their_case_and_spacing() -> None:
    assert cosine("Write a  poem", "write a poem") == pytest.approx(1.0, abs=1e-5)


def test_texts_that_share_words_are_more_alike_than_others() -> None:
    shared = cosine("write a Python function", "write a Python class")
    apart = cosine("write a Python function", "good evening, my friend")

    assert shared > apart + 0.2


def test_the_order_of_words_matters() -> None:
    assert cosine("dog bites man", "man bites dog") < 0.95


def test_vectors_are_the_same_in_every_process() -> None:
    row = ENCODER.encode(["stable hashes"])[0]

    assert np.flatnonzero(row)[:6].tolist() == [162, 1341, 1987, 3943, 4192, 4211]


def test_rows_do_not_depend_on_their_neighbours() -> None:
    together = ENCODER.encode(["one text", "another"])

    alone = ENCODER.encode(["another"])

    assert np.array_equal(together[1], alone[0])


def test_no_texts_make_no_rows() -> None:
    assert ENCODER.encode([]).shape == (0, 8192)


def test_a_row_of_zeros_becomes_a_unit_vector() -> None:
    rows = normalise(np.zeros((1, 3), dtype=np.float32))

    assert rows.tolist() == [[1.0, 0.0, 0.0]]


def test_long_texts_are_cut_in_the_middle() -> None:
    text = readable("a" * 50 + "b" * 50 + "c" * 50, max_chars=20)

    assert text == "a" * 10 + "\n" + "c" * 10
