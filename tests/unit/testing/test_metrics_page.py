"""Reading a metrics page."""

from suffice.testing.metrics import Metrics

PAGE = r"""# HELP n_total Things.
# TYPE n_total counter
n_total{kind="a",tier="small"} 2.0
n_total{kind="b",tier="small"} 3.0
n_total{kind="a",tier="la\"rge"} 1e+01
level 7
"""


def test_samples_are_summed_over_the_labels_that_are_not_asked_for() -> None:
    page = Metrics(PAGE)

    assert page.total("n_total") == 15
    assert page.total("n_total", tier="small") == 5
    assert page.total("n_total", kind="a", tier="small") == 2
    assert page.total("level") == 7


def test_what_is_not_there_is_nothing() -> None:
    assert Metrics(PAGE).total("n_total", kind="c") == Metrics(PAGE).total("m_total") == 0


def test_samples_are_told_by_a_label() -> None:
    assert list(Metrics(PAGE).by("tier", "n_total", kind="a")) == [("small", 2.0), (r"la\"rge", 10.0)]
