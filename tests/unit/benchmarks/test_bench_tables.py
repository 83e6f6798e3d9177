import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from bench_runs import make_results

from plane.chart import Bar, Group, picture
from plane.page import PAGE, draw, replace_between
from plane.tables import latencies, promises, render, spreads, summary, table


def test_a_table_has_its_figures_to_the_right() -> None:
    assert table(("", "a"), [("x", "1")]) == "|  | a |\n| --- | ---: |\n| x | 1 |"


def test_the_summary_has_a_row_for_each_contestant_and_nginx_without_a_ratio() -> None:
    lines = summary(make_results()).splitlines()

    assert lines[2].startswith("| nginx | 1.22.1 | 20.0 |  | 100 |")
    assert lines[3].startswith("| suffice, scoring afresh | 0.1.0 | 80.0 (4.00x) |  | 180 (1.80x) |")
    assert lines[4].endswith("| 85 |")


def test_what_is_promised_and_not_measured_does_not_hold() -> None:
    text = promises(make_results())

    assert "| a plain answer, every request scored afresh | 4.2 x nginx | 4 x nginx | yes |" in text
    assert "| the same, usage taken out | 3 x nginx | not measured | **no** |" in text


def test_every_comparison_shows_its_spread() -> None:
    assert "| suffice, scoring afresh | plain | 80.0 | 20.0 | 4.00 | 4.00 to 4.00 | 1,000 |" in spreads(make_results())


def test_latency_is_shown_where_it_was_measured() -> None:
    lines = latencies(make_results()).splitlines()

    assert lines[2:] == ["| suffice, scoring afresh | 0.25 | 2.50 |  |  |  |  |"]


@pytest.mark.parametrize(
    ("agrees", "said"),
    [(True, "counted the same answers in every reading"), (False, "in: suffice, scoring afresh (plain)")],
)
def test_the_page_tells_what_is_missing_and_whether_the_counts_agree(*, agrees: bool, said: str) -> None:
    text = render(make_results(agrees=agrees))

    assert said in text
    assert "Portkey gateway: not measured; npm is not installed." in text


def test_a_section_of_the_page_is_replaced_and_the_rest_stays() -> None:
    text = "before\n<!-- begin a -->\nold\n<!-- end a -->\nafter\n"

    once = replace_between(text, "a", "new\n")

    assert once == "before\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\nafter\n"
    assert replace_between(once, "a", "new") == once


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the marks of 'b'"):
        replace_between("<!-- begin b -->", "b", "new")


@pytest.mark.parametrize("name", ["measured", "profile", "instructions"])
def test_the_documentation_has_the_marks_that_are_written_between(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert replace_between(text, name, "x") != text
    assert Path(PAGE).with_suffix(".svg").exists()


def test_a_longer_bar_stands_for_a_larger_figure() -> None:
    bars = [Bar(name="a & b", value=value, kind="other", label="1") for value in (20.0, 200.0, 20_000.0)]

    root = ET.fromstring(picture([Group(title="t", bars=bars)], label="l"))

    widths = [float(bar.attrib["width"]) for bar in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths == sorted(widths)
    # Equal steps for equal factors.
    assert widths[2] - widths[1] == pytest.approx(2 * (widths[1] - widths[0]), abs=0.2)


def test_the_picture_shows_nginx_and_every_comparison() -> None:
    svg = draw(make_results())

    assert svg.count("<rect") == 3 + 2
    assert "80 (4x)" in svg
