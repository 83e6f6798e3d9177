import json
from pathlib import Path
from typing import Any

import pytest
from command_runs import Runner

from suffice.lab.dataset import check_rows, read_dataset


def write(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def log(tmp_path: Path) -> str:
    """Two answers to one question, one of them scored; a failed call; and an entry that says nothing."""
    return write(
        tmp_path / "log.jsonl",
        {"id": "a", "model": "small", "prompt": "Who?", "response": "Me."},
        {"id": "b", "model": "large", "prompt": "Who?", "response": "You.", "score": 1},
        {"id": "c", "model": "large", "prompt": "Why?", "error": "overloaded"},
        {"id": "d", "model": "large"},
    )


@pytest.mark.parametrize(("options", "suffix"), [((), ".jsonl"), (("--parquet",), ".parquet")])
def test_what_is_imported_can_be_read_as_a_dataset(
    run: Runner, log: str, tmp_path: Path, options: tuple[str, ...], suffix: str
) -> None:
    result = run("import", log, "--out", str(tmp_path / "out"), *options)

    assert result.code == 0
    reading = read_dataset(tmp_path / "out" / f"queries{suffix}", tmp_path / "out" / f"outcomes{suffix}")
    check_rows([reading.queries, reading.outcomes])
    assert [query.prompt for query in reading.dataset.queries] == ["Who?"]
    assert [outcome.model for outcome in reading.dataset.outcomes] == ["small", "large"]


def test_the_report_tells_what_was_taken_and_of_the_rest_why_not(run: Runner, log: str, tmp_path: Path) -> None:
    result = run("import", log, "--out", str(tmp_path / "out"))

    assert "Read as openai" in result.out
    assert "left out of log.jsonl: 1 the call failed" in result.out
    assert "bad: log.jsonl, line 4: messages = " in result.out
    assert f"1 queries in {tmp_path}" in result.out
    assert "1 outcomes have no score yet" in result.out


def test_json_has_the_counts_and_the_bad_entries(run: Runner, log: str, tmp_path: Path) -> None:
    result = run("import", log, "--out", str(tmp_path / "out"), "--format", "openai", "--json")

    document = json.loads(result.out)
    assert (document["format"], document["queries"], document["outcomes"], document["scored"]) == ("openai", 1, 2, 1)
    assert document["models"] == {"small": 1, "large": 1}
    assert document["written"] == [str(tmp_path / "out" / name) for name in ("queries.jsonl", "outcomes.jsonl")]
    (source,) = document["sources"]
    assert (source["rows"], source["good"], source["bad"]) == (4, 2, 1)
    assert source["left_out"] == {"the call failed": 1}
    assert source["first_bad"][0]["where"] == "line 4"


def test_many_bad_entries_are_counted_and_the_first_shown(run: Runner, tmp_path: Path) -> None:
    good = {"model": "m", "prompt": "Who?", "response": "Me."}
    log = write(tmp_path / "log.jsonl", good, *({"messages": [], "model": "m"} for _ in range(25)))

    result = run("import", log, "--out", str(tmp_path / "out"))

    assert result.out.count("bad: log.jsonl, line ") == 10
    assert "and 15 more bad entries in log.jsonl" in result.out


def test_columns_of_a_table_are_named(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("question,llm,grade\nWho?,small,0.5\n", encoding="utf-8")

    result = run(
        "import",
        str(tmp_path / "table.csv"),
        "--out",
        str(tmp_path / "out"),
        "--prompt-column=question",
        "--model-column=llm",
        "--score-column=grade",
    )

    assert "Read as csv" in result.out
    assert json.loads((tmp_path / "out" / "outcomes.jsonl").read_text("utf-8"))["score"] == 0.5


def test_a_file_that_is_not_there_ends_with_2(run: Runner, tmp_path: Path) -> None:
    result = run("import", str(tmp_path / "nowhere.jsonl"), "--out", str(tmp_path / "out"))

    assert (result.code, result.out) == (2, "")
    assert "nowhere.jsonl cannot be read" in result.err
    assert not (tmp_path / "out").exists()


def test_files_of_different_formats_are_refused(run: Runner, log: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("prompt,model\nWho?,small\n", encoding="utf-8")

    result = run("import", log, str(tmp_path / "table.csv"), "--out", str(tmp_path / "out"))

    assert result.code == 2
    assert "log.jsonl looks like openai, table.csv looks like csv" in result.err
