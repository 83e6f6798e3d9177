"""The page of the documentation says what the cases say."""

from pathlib import Path

import chaos_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "chaos.md"


def test_the_page_is_written_from_the_cases_as_they_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == chaos_page.render(), "run tools/write_chaos_page.py"


def test_no_two_cases_of_a_theme_are_called_the_same() -> None:
    for theme in chaos_page.THEMES:
        names = [(case.name, tuple(case.forms)) for case in theme.CASES]

        assert len(names) == len(set(names))
