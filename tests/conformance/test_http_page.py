"""The page on HTTP is what the lists say."""

import pytest
from http_cases import CASES
from upstream_cases import upstream_cases
from write_http_page import PAGE, render


def test_the_page_has_every_case_as_it_is_in_the_lists() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert render(page) == page, "run tests/conformance/write_http_page.py"
    assert page.count("\n| ") >= len(CASES) + len(upstream_cases())


def test_a_page_without_its_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 places"):
        render("# HTTP\n")
