import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.lab.report import svg
from suffice.lab.report.confusions import shorten

FRAME = svg.Frame(x=(0, 1), y=(10, 20), width=200, height=100, left=20, right=10, top=5, bottom=15)


def test_corners_stand_at_the_edges_of_the_frame() -> None:
    assert FRAME.place(0, 10) == (20, 85)
    assert FRAME.place(1, 20) == (190, 5)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0.66, 0.83, [0.7, 0.75, 0.8]), (-2, 11, [-0.0, 2.5, 5, 7.5, 10])],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert svg.ticks(low, high) == expected


@given(low=st.floats(-1e3, 1e3), span=st.floats(1e-3, 1e3))
def test_ticks_are_within_and_not_too_many(low: float, span: float) -> None:
    found = svg.ticks(low, low + span)

    assert 1 <= len(found) <= 8
    assert all(low - span * 1e-3 - 1e-9 <= one <= low + span * 1.001 + 1e-9 for one in found)


def test_words_are_escaped() -> None:
    assert svg.text((0, 0), "<b>&") == '<text x="0.0" y="0.0" text-anchor="middle">&lt;b&gt;&amp;</text>'
    assert "&lt;b&gt;" in svg.picture(FRAME, [], label="<b>")


def test_a_box_without_height_is_still_seen() -> None:
    assert 'height="1.0"' in svg.box(FRAME, (0, 12), (0.5, 12), "band")


def test_long_texts_keep_both_ends() -> None:
    short = shorten("begin " + "x" * 5000 + " end?")

    assert len(short) <= 410
    assert short.startswith("begin ")
    assert short.endswith(" end?")
