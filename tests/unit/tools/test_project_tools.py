"""The scripts under tools/, run as the Makefile runs them."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[3] / "tools"
REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><failure message="x"/></testcase>
<testcase name="c"><skipped/></testcase><testcase name="d"><error/></testcase><testcase name="e"/>
</testsuite></testsuites>"""


def run_tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOLS / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_counts_are_added_over_runs_and_skipped_tests_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "one.xml", REPORT)
    write(tmp_path / "two.xml", REPORT)

    result = run_tool("count_tests.py", tmp_path, "one", "two")

    assert result.stdout == "4 passed, 4 failed\n"
    assert result.returncode == 1


def test_a_run_without_a_report_counts_as_a_failure(tmp_path: Path) -> None:
    write(tmp_path / "one.xml", "<testsuite><testcase name='a'/></testsuite>")

    result = run_tool("count_tests.py", tmp_path, "one", "crashed")

    assert result.stdout == "1 passed, 1 failed\n"
    assert result.returncode == 1


def test_only_passed_tests_are_a_success(tmp_path: Path) -> None:
    write(tmp_path / "one.xml", "<testsuite><testcase name='a'/></testsuite>")

    result = run_tool("count_tests.py", tmp_path, "one")

    assert result.stdout == "1 passed, 0 failed\n"
    assert result.returncode == 0


def test_no_test_at_all_is_no_success(tmp_path: Path) -> None:
    write(tmp_path / "one.xml", "<testsuite/>")

    result = run_tool("count_tests.py", tmp_path, "one")

    assert result.returncode == 1


@pytest.mark.parametrize(("n_lines", "code"), [(400, 0), (401, 1)])
def test_a_python_file_may_have_400_lines(tmp_path: Path, n_lines: int, code: int) -> None:
    write(tmp_path / "package" / "long.py", "x = 1\n" * n_lines)

    result = run_tool("check_file_sizes.py", tmp_path)

    assert result.returncode == code
    assert ("long.py: 401 lines" in result.stdout) == bool(code)


def test_links_to_files_and_headings_that_exist_are_fine(tmp_path: Path) -> None:
    write(tmp_path / "docs" / "b.md", "# First, *second* and `third`\n")
    a = write(tmp_path / "a.md", "# Top\n[x](docs/b.md#first-second-and-third) [y](#top) [z](https://example.com/no)\n")

    result = run_tool("check_links.py", a, tmp_path / "docs")

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("link", ["[x](missing.md)", "[x](b.md#nowhere)", "[x](#nowhere)", "![x](picture.png)"])
def test_a_link_that_leads_nowhere_is_named(tmp_path: Path, link: str) -> None:
    write(tmp_path / "b.md", "# B\n")
    a = write(tmp_path / "a.md", f"# A\n{link}\n")

    result = run_tool("check_links.py", a)

    assert result.returncode == 1
    assert str(a) in result.stdout


def test_links_within_code_are_not_links(tmp_path: Path) -> None:
    a = write(tmp_path / "a.md", "# A\n`[x](missing.md)`\n\n```\n[y](missing.md)\n```\n")

    result = run_tool("check_links.py", a)

    assert result.returncode == 0, result.stdout


def test_an_interpreter_that_is_too_old_or_missing_is_named_in_one_line(tmp_path: Path) -> None:
    old = write(tmp_path / "python3.9", '#!/bin/sh\ncase "$2" in *exit*) exit 1;; *) echo "Python 3.9";; esac\n')
    old.chmod(0o755)

    results = [
        subprocess.run([TOOLS / "make_venv.sh", tmp_path / "venv", python], capture_output=True, text=True, check=False)
        for python in (old, tmp_path / "nothing")
    ]

    assert [result.returncode for result in results] == [1, 1]
    assert [result.stderr.count("\n") for result in results] == [1, 1]
    assert "is: Python 3.9;" in results[0].stderr
    assert "is: no such command;" in results[1].stderr
    assert not (tmp_path / "venv").exists()
