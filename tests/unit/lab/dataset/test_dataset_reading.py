import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from suffice.errors import DatasetError
from suffice.lab.checkers import ChoiceCheck, JsonCheck
from suffice.lab.dataset import FileForm, Outcome, Query, check_rows, hash_dataset, read_dataset, write_dataset
from suffice.vocabulary import Token

QUERIES = [{"query_id": "a", "prompt": "2 + 2?", "category": "maths"}, {"query_id": "b", "prompt": "Who?"}]
OUTCOMES = [
    {"query_id": "a", "model": "small", "score": 1.0},
    {"query_id": "a", "model": "large", "score": 1},
    {"query_id": "b", "model": "small", "score": 0.25, "response": "Nobody."},
]


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    names = dict.fromkeys(name for row in rows for name in row)
    table = import_module("pyarrow").table({name: [row.get(name) for row in rows] for name in names})
    import_module("pyarrow.parquet").write_table(table, path)
    return path


def files(
    folder: Path, *, queries: Sequence[Mapping[str, Any]] = QUERIES, outcomes: Sequence[Mapping[str, Any]] = OUTCOMES
) -> tuple[Path, Path]:
    return write(folder / "queries.jsonl", queries), write(folder / "outcomes.jsonl", outcomes)


@pytest.mark.parametrize("writer", [write, write_parquet])
def test_both_forms_are_known_by_their_content_and_not_by_their_name(writer: Any, tmp_path: Path) -> None:
    queries, outcomes = writer(tmp_path / "one.dat", QUERIES), writer(tmp_path / "two.dat", OUTCOMES)

    reading = read_dataset(queries, outcomes)

    assert [query.category for query in reading.dataset.queries] == ["maths", None]
    assert reading.dataset.models == ("large", "small")
    assert reading.dataset.scores.tolist() == [1.0, 1.0, 0.25]
    assert reading.dataset.outcomes[2].response == "Nobody."
    check_rows([reading.queries, reading.outcomes])


def test_ids_that_are_whole_numbers_are_read_as_text(tmp_path: Path) -> None:
    queries, outcomes = files(
        tmp_path, queries=[{"query_id": 7, "prompt": "hi"}], outcomes=[{"query_id": 7, "model": "m", "score": 0}]
    )

    reading = read_dataset(queries, outcomes)

    assert reading.dataset.queries[0].query_id == "7"


def test_a_byte_order_mark_and_blank_lines_are_passed_over_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    queries, outcomes = files(tmp_path)
    queries.write_text('\ufeff{"query_id": "a", "prompt": "hi"}\n\n\n{"query_id": "b"}\n', encoding="utf-8")

    reading = read_dataset(queries, outcomes)

    assert reading.queries.n_rows == 2
    assert [bad.where for bad in reading.queries.first_bad] == ["line 4"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"prompt": "hi"}, "query_id is missing"),
        ({"query_id": "", "prompt": "hi"}, "query_id = '': expected str of length >= 1"),
        ({"query_id": "x"}, "either prompt or messages is needed; both are missing"),
        ({"query_id": "x", "prompt": "hi", "messages": [{"role": "user", "content": "hi"}]}, "both are there"),
        ({"query_id": "x", "prompt": 3}, "prompt = 3: expected str | null, got int"),
        ({"query_id": "x", "prompt": " "}, "prompt = ' ': no user says anything in it"),
        ({"query_id": "x", "messages": []}, "messages = \\(\\): no user says anything in it"),
        ({"query_id": "x", "messages": [{"role": "system", "content": "Be."}]}, "no user says anything in it"),
        ({"query_id": "x", "messages": [{"content": "hi"}]}, "messages.0. = .*missing required field role"),
        ({"query_id": "x", "messages": "hi"}, "messages = 'hi': expected"),
        ({"query_id": "x", "messages": "[{"}, "messages = '\\[{': expected"),
        ({"query_id": "a", "prompt": "Again"}, "query_id = 'a': stands already in line 1"),
    ],
)
def test_a_bad_query_is_reported_and_the_rest_goes_on(row: Mapping[str, Any], problem: str, tmp_path: Path) -> None:
    reading = read_dataset(*files(tmp_path, queries=[*QUERIES, row]))

    assert [query.query_id for query in reading.dataset.queries] == ["a", "b"]
    assert (reading.queries.n_rows, reading.queries.n_good, reading.queries.n_bad) == (3, 2, 1)
    with pytest.raises(DatasetError, match=rf"(?s)1 of 3 rows of queries.jsonl .*queries.jsonl, line 3: .*{problem}"):
        check_rows([reading.queries, reading.outcomes])


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"query_id": "b", "model": "x", "score": float("nan")}, "score = nan: must be a number from 0 to 1"),
        ({"query_id": "b", "model": "x", "score": float("inf")}, "score = inf: must be a number from 0 to 1"),
        ({"query_id": "b", "model": "x", "score": 1.5}, r"score = 1.5: must be a number from 0 to 1"),
        ({"query_id": "b", "model": "x", "score": -0.1}, r"score = -0.1: must be a number from 0 to 1"),
        ({"query_id": "b", "model": "x", "score": True}, "score = True: must be a number from 0 to 1"),
        ({"query_id": "b", "model": "x", "score": "1"}, "score = '1': must be a number from 0 to 1"),
        ({"query_id": "b", "score": 1.0}, "model is missing"),
        ({"query_id": "c", "model": "x", "score": 1.0}, "query_id = 'c': no query has this id"),
        ({"query_id": "a", "model": "small", "score": 1.0}, r"query_id and model = .*: stands already in line 1"),
        ({"query_id": "b", "model": "x", "prompt_tokens": -1}, "prompt_tokens = -1: expected int >= 0"),
        ({"query_id": "b", "model": "x", "cost_usd": float("inf")}, "cost_usd = inf: must be a finite number"),
        ({"query_id": "b", "model": "x", "logprobs": [{"text": "a"}]}, "missing required field logprob"),
        (
            {"query_id": "b", "model": "x", "logprobs": [{"text": 1, "logprob": -1}]},
            r"logprobs\[0\].text = 1: expected",
        ),
        (
            {"query_id": "b", "model": "x", "logprobs": [{"text": "a", "logprob": float("nan")}]},
            r"logprobs\[0\] = nan: must be a finite number",
        ),
    ],
)
def test_a_bad_outcome_is_reported_and_the_rest_goes_on(row: Mapping[str, Any], problem: str, tmp_path: Path) -> None:
    reading = read_dataset(*files(tmp_path, outcomes=[*OUTCOMES, row]))

    assert len(reading.dataset.outcomes) == 3
    with pytest.raises(DatasetError, match=rf"(?s)1 of 4 rows of outcomes.jsonl .*line 4: .*{problem}"):
        check_rows([reading.outcomes])


@pytest.mark.parametrize("line", [b"{", b"nonsense", b"[1]", b"\xff\xfe", b'{"query_id": "\\ud800"}'])
def test_lines_that_are_no_json_objects_are_bad_rows(line: bytes, tmp_path: Path) -> None:
    queries, outcomes = files(tmp_path)
    with queries.open("ab") as file:
        file.write(line + b"\n")

    reading = read_dataset(queries, outcomes)

    assert [bad.where for bad in reading.queries.first_bad] == ["line 3"]
    assert reading.queries.n_good == 2


def test_rows_of_parquet_are_counted_from_one(tmp_path: Path) -> None:
    queries = write_parquet(tmp_path / "queries.parquet", QUERIES)
    outcomes = write_parquet(tmp_path / "outcomes.parquet", [*OUTCOMES, {"query_id": "b", "model": "l", "score": 2.0}])

    reading = read_dataset(queries, outcomes)

    assert str(reading.outcomes.first_bad[0]) == "outcomes.parquet, row 4: score = 2.0: must be a number from 0 to 1"


def test_all_bad_rows_are_counted_but_only_the_first_are_kept(tmp_path: Path) -> None:
    bad = [{"query_id": "a", "model": f"m{number}", "score": 7} for number in range(50)]

    reading = read_dataset(*files(tmp_path, outcomes=[*OUTCOMES, *bad]))

    document = reading.outcomes.document()
    assert (document["rows"], document["good"], document["bad"]) == (53, 3, 50)
    assert document["reasons"] == {"score: must be a number from 0 to 1": 50}
    assert len(document["first_bad"]) == 20
    assert document["first_bad"][0] == {
        "where": "line 4",
        "field": "score",
        "value": "7",
        "reason": "must be a number from 0 to 1",
    }


def test_columns_that_nothing_reads_are_named(tmp_path: Path) -> None:
    reading = read_dataset(*files(tmp_path, queries=[{**QUERIES[0], "prompts": "typing error"}, QUERIES[1]]))

    assert reading.queries.unknown_columns == {"prompts": 1}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n\n", "has no rows"),
        (b"\x1f\x8b\x08rest", "is compressed; unpack it first"),
        (b"PAR1 and then nothing of the kind", "cannot be read as Parquet"),
        (b"query_id,prompt\na,hi\n", "none of the 2 rows .*no JSON object"),
        (b'{"query_id": "a", "model": "m", "score": 1}\n', "looks like a file of outcomes: are the two exchanged"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_the_reason(content: bytes, problem: str, tmp_path: Path) -> None:
    queries, outcomes = files(tmp_path)
    queries.write_bytes(content)

    with pytest.raises(DatasetError, match=problem):
        read_dataset(queries, outcomes)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    _, outcomes = files(tmp_path)

    with pytest.raises(DatasetError, match=r"nowhere.jsonl cannot be read: No such file"):
        read_dataset(tmp_path / "nowhere.jsonl", outcomes)


@pytest.mark.parametrize("form", FileForm)
def test_what_is_written_reads_the_same_with_every_field(form: FileForm, tmp_path: Path) -> None:
    queries = [
        Query(
            query_id="a", category="maths", prompt="2 + 2?", check=JsonCheck({"sum": [4]}), inclusion_probability=0.25
        ),
        Query(
            query_id="b",
            check=ChoiceCheck(("me", ("me", "you"))),
            messages=({"role": "user", "content": [{"type": "text", "text": "Who?"}]},),
        ),
    ]
    outcomes = [
        Outcome(
            query_id="a",
            model="small",
            score=0.5,
            response="4",
            logprobs=(Token(text="4", logprob=-0.1, second_logprob=-2.5), Token(text="!", logprob=-0.3)),
            prompt_tokens=5,
            completion_tokens=1,
            cost_usd=0.001,
            label_source="human",
        ),
        Outcome(query_id="b", model="small"),
    ]

    reading = read_dataset(*write_dataset(tmp_path / "new" / "folder", queries, outcomes, form=form))

    assert list(reading.dataset.queries) == queries
    assert list(reading.dataset.outcomes) == outcomes
    check_rows([reading.queries, reading.outcomes])
    assert sorted(path.suffix for path in (tmp_path / "new" / "folder").iterdir()) == [f".{form.value}"] * 2


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("check", {"type": "telepathy", "expect": 1}, "check.type"),
        ("check", {"type": "number", "expect": "four"}, "check.expect"),
        ("check", {"type": "contains", "expect": [""]}, "check.expect[0]"),
        ("inclusion_probability", 0, "inclusion_probability"),
        ("inclusion_probability", 1.5, "inclusion_probability"),
    ],
)
def test_a_check_or_a_probability_that_cannot_be_is_named(
    field: str, value: object, named: str, tmp_path: Path
) -> None:
    queries, outcomes = files(tmp_path, queries=[*QUERIES, {"query_id": "c", "prompt": "?", field: value}])

    (bad,) = read_dataset(queries, outcomes).queries.first_bad

    assert (bad.where, bad.field) == ("line 3", named)


def test_a_query_that_was_drawn_counts_for_those_that_were_not(tmp_path: Path) -> None:
    queries, outcomes = files(tmp_path, queries=[{**QUERIES[0], "inclusion_probability": 0.2}, QUERIES[1]])

    assert read_dataset(queries, outcomes).dataset.sampling_weights().tolist() == [5.0, 1.0]


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    with pytest.raises(DatasetError, match="cannot be written"):
        write_dataset(tmp_path / "file", [], [])


def test_the_hash_names_the_content_whatever_its_order_and_form(tmp_path: Path) -> None:
    lines = read_dataset(*files(tmp_path)).dataset
    table = read_dataset(
        write_parquet(tmp_path / "q", QUERIES[::-1]), write_parquet(tmp_path / "o", OUTCOMES[::-1])
    ).dataset
    other = read_dataset(*files(tmp_path, outcomes=OUTCOMES[:-1])).dataset

    assert hash_dataset(lines) == hash_dataset(table)
    assert hash_dataset(lines) != hash_dataset(other)
