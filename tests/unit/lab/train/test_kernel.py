from typing import Any

import numpy as np
import pytest
import scipy.sparse
from drawn_examples import draw_texts, read_features

from suffice.lab.train import kernel as kernels
from suffice.lab.train.crossval import VIEWS
from suffice.lab.train.design import Design, Rows
from suffice.lab.train.kernel import DenseKernel, FactoredKernel, make_kernel, word_likeness

N = 60
INSIDE, OUTSIDE = np.arange(5, N), np.array([0, 3, 4])


@pytest.fixture(scope="module")
def rows() -> Rows:
    features = read_features(draw_texts(N, np.random.default_rng(0)))
    return Design.fit(features, VIEWS[0]).rows(features)


@pytest.fixture
def dense(rows: Rows) -> DenseKernel:
    kernel = make_kernel(rows, word_likeness(rows))
    assert isinstance(kernel, DenseKernel)
    return kernel


def draw_dual(n: int) -> Any:
    return np.random.default_rng(1).normal(size=(n, 3)).astype(np.float32)


def random_rows(n: int, n_columns: int) -> Rows:
    """Rows of which some columns are frequent, some rare, and some in a single row."""
    rng = np.random.default_rng(2)
    chances = np.geomspace(0.5, 1 / n, n_columns)
    words = (rng.random((n, n_columns)) < chances) * rng.random((n, n_columns))
    return Rows(scipy.sparse.csr_array(words.astype(np.float32)), rng.random((n, 2)).astype(np.float32))


@pytest.mark.parametrize("n", [1, 2, 70, 1_100])
def test_likeness_by_words_is_the_scalar_product_of_their_columns(n: int) -> None:
    rows = random_rows(n, 90)

    likeness = word_likeness(rows)

    expected = rows.words.toarray() @ rows.words.toarray().T
    assert likeness is not None
    assert np.abs(likeness - expected).max() < 1e-4


def test_a_kernel_adds_likeness_in_shape(rows: Rows, dense: DenseKernel) -> None:
    whole = np.hstack([rows.words.toarray(), rows.shapes])

    assert dense.matrix == pytest.approx(whole @ whole.T, abs=1e-4)


def test_both_kernels_say_the_same(rows: Rows, dense: DenseKernel) -> None:
    factored = FactoredKernel(rows)
    dual = draw_dual(N)

    assert factored.apply(dual) == pytest.approx(dense.apply(dual), abs=1e-3)


def test_both_kernels_say_the_same_of_a_part(rows: Rows, dense: DenseKernel) -> None:
    dual = draw_dual(INSIDE.size)

    by_weights = FactoredKernel(rows).take(INSIDE).apply(dual)

    assert by_weights == pytest.approx(dense.take(INSIDE).apply(dual), abs=1e-3)


def test_both_kernels_predict_the_same(rows: Rows, dense: DenseKernel) -> None:
    dual = draw_dual(INSIDE.size)

    by_weights = FactoredKernel(rows).predict(OUTSIDE, INSIDE, dual)

    assert by_weights.shape == (3, 3)
    assert by_weights == pytest.approx(dense.predict(OUTSIDE, INSIDE, dual), abs=1e-3)


def test_of_too_many_texts_no_likeness_is_kept(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "MAX_DENSE", N - 1)

    likeness = word_likeness(rows)

    assert likeness is None
    assert isinstance(make_kernel(rows, likeness), FactoredKernel)


def test_making_a_kernel_leaves_the_likeness_of_words_as_it_is(rows: Rows) -> None:
    likeness = word_likeness(rows)
    assert likeness is not None
    before = likeness.copy()

    make_kernel(rows, likeness)

    assert np.array_equal(likeness, before)
