import re
from pathlib import Path

import pytest
from examinations import N, make_examination, make_trial
from report_pages import Page, read_page

from suffice.lab.report import render

EVIL = 'prove <script>alert(1)</script> & <img src=x onerror=alert(2)> "quoted" </pre></div>'


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return read_page(render(make_examination(tmp_path_factory.mktemp("report"))))


def test_every_element_is_closed(page: Page) -> None:
    assert page.unclosed == []
    assert len([name for name, _ in page.tags if name == "svg"]) >= 2


def test_the_page_needs_no_other_file_and_runs_nothing(tmp_path: Path) -> None:
    markup = render(make_examination(tmp_path))

    page = read_page(markup)
    assert page.names().isdisjoint({"script", "img", "link", "iframe", "object", "base", "form", "a"})
    assert not re.search(r"https?:|//[a-z]|@import|url\(", markup)
    attributes = {name for _, attrs in page.tags for name in attrs}
    assert attributes.isdisjoint({"src", "href", "style"})
    assert not {name for name in attributes if name.startswith("on")}
    policy = [attrs["content"] for name, attrs in page.tags if name == "meta" and "http-equiv" in attrs]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_prompts_names_and_categories_are_escaped(tmp_path: Path) -> None:
    trial = make_trial(prompts=dict.fromkeys(range(0, N, 2), EVIL), category="<b>bold</b>")

    markup = render(make_examination(tmp_path, trial))

    page = read_page(markup)
    assert page.names().isdisjoint({"script", "img", "b"})
    assert page.unclosed == []
    assert EVIL in page.text


def test_the_figures_stand_beside_the_controls_with_n_and_intervals(page: Page) -> None:
    for name in ("router", "shuffled", "length", "category-only", "exemplars", "oracle", "always-small"):
        assert name in page.text
    assert re.search(r"router 0\.\d{3} 0\.\d{3} to \d\.\d{3} .* 120 shuffled 0\.500", page.text)


def test_the_thresholds_are_marked_on_the_curve(tmp_path: Path) -> None:
    thresholds = {"quality": 2.0, "balanced": 5.0, "cheap": 6.5}

    page = read_page(render(make_examination(tmp_path, thresholds=thresholds)))

    marks = [attrs for name, attrs in page.tags if name == "text" and attrs.get("class") == "mark-name"]
    assert len(marks) == 3
    assert len({mark["y"] for mark in marks}) == 3
    assert "cheap 6.5" in page.texts


def test_without_categories_the_page_says_so(tmp_path: Path) -> None:
    page = read_page(render(make_examination(tmp_path, make_trial(category=None))))

    assert "There is no table: the queries have no categories" in page.text


def test_without_p_ok_there_is_no_diagram_and_the_page_says_why(tmp_path: Path) -> None:
    page = read_page(render(make_examination(tmp_path, models=("tiny", "huge"))))

    assert "The bundle was not trained for small: it has no p_ok" in page.text
    assert [attrs.get("role") for _, attrs in page.tags].count("img") == 1


def test_confusions_show_what_moved_them(page: Page) -> None:
    cases = [attrs for _, attrs in page.tags if attrs.get("class") == "case"]

    assert 2 <= len(cases) <= 12
    assert re.search(r"prove \+\d\.\d{3}", page.text)


def every_number(page: Page) -> list[float]:
    names = ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height")
    return [float(value) for _, attrs in page.tags for name, value in attrs.items() if name in names and value]


def test_nothing_is_drawn_outside_its_picture(page: Page) -> None:
    assert all(0 <= number <= 460 for number in every_number(page))
    assert "nan" not in page.text.lower().split()


def test_a_large_model_that_gains_nothing_leaves_gaps_with_their_reason(tmp_path: Path) -> None:
    page = read_page(render(make_examination(tmp_path, make_trial(pair=("large", "small")), models=("large", "small"))))

    assert "the large model gains nothing over the small one" in page.text
    assert "nan" not in page.text.lower().split()


def test_prompts_of_one_group_have_no_intervals_and_the_page_says_so(tmp_path: Path) -> None:
    same = "prove that all of the rivers of the old islands are of one and the same length"

    page = read_page(render(make_examination(tmp_path, make_trial(prompts=dict.fromkeys(range(N), same)))))

    assert "all prompts are of one group: nothing to resample" in page.text
    assert "no interval" in page.text
