from pathlib import Path

import pytest

from suffice.errors import DatasetError, LabelError
from suffice.lab.label.journal import Answered, Compared, Failed, Journal
from suffice.vocabulary import Token

SETTINGS = {"queries": "3 of sha256 abc", "tiers": "small = a, large = b", "max_tokens": None, "temperature": 0.0}
ANSWER = Answered(
    query_id="q1",
    tier="small",
    text="Töne\n🌊",
    finish_reason="stop",
    logprobs=(Token(text="Tö", logprob=-0.5, second_logprob=-1.5), Token(text="ne", logprob=-0.25)),
    prompt_tokens=5,
    completion_tokens=2,
    cost_usd=0.25,
)
VERDICT = Compared(query_id="q1", tier="small", judge="j", tier_first=False, better="second", cost_usd=0.5)
FAILURE = Failed(query_id="q2", tier="large", reason="answered 500", cost_usd=None)


def write(folder: Path) -> Path:
    with Journal(folder, SETTINGS) as journal:
        for entry in (ANSWER, VERDICT, FAILURE):
            journal.append(entry)
    return folder / "journal.jsonl"


def test_what_was_written_is_there_again_and_failures_are_open(tmp_path: Path) -> None:
    write(tmp_path)

    with Journal(tmp_path, SETTINGS) as journal:
        assert journal.answers == {("q1", "small"): ANSWER}
        assert journal.verdicts == {("j", "q1", "small", False): VERDICT}
        assert journal.spent_usd == 0.75


@pytest.mark.parametrize("n_lost", [1, 2, 40, 90])
def test_a_torn_last_line_costs_that_line_at_most(tmp_path: Path, n_lost: int) -> None:
    path = write(tmp_path)
    with Journal(tmp_path, SETTINGS) as journal:
        journal.append(VERDICT)
    path.write_bytes(path.read_bytes()[:-n_lost])

    with Journal(tmp_path, SETTINGS) as journal:
        assert journal.answers == {("q1", "small"): ANSWER}
        journal.append(FAILURE)

    whole = path.read_bytes()
    assert whole.endswith(b"\n")
    with Journal(tmp_path, SETTINGS) as journal:  # no line is glued to another
        assert ("q1", "small") in journal.answers
    # Only the line break was lost: the entry counts.
    assert whole.count(b'"verdict"') == (2 if n_lost == 1 else 1)


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b'{"entry":"oops"}\n', *lines[2:]]))

    with pytest.raises(DatasetError, match=r"journal.jsonl, line 3 is damaged .*remove this line"):
        Journal(tmp_path, SETTINGS)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({**SETTINGS, "max_tokens": 5}, "max_tokens was not set and is 5"),
        ({**SETTINGS, "tiers": "small = c"}, "tiers was small = a, large = b and is small = c"),
    ],
)
def test_another_runs_journal_is_refused_with_the_way_out(
    tmp_path: Path, settings: dict[str, object], told: str
) -> None:
    before = write(tmp_path).read_bytes()

    with pytest.raises(DatasetError, match=told) as refused:
        Journal(tmp_path, settings)

    assert "name another folder with --out" in str(refused.value)
    assert (tmp_path / "journal.jsonl").read_bytes() == before


def test_a_journal_without_an_answer_binds_nobody(tmp_path: Path) -> None:
    Journal(tmp_path, SETTINGS).close()

    with Journal(tmp_path, {**SETTINGS, "max_tokens": 5}) as journal:
        journal.append(ANSWER)

    with pytest.raises(DatasetError, match="max_tokens was 5 and is not set"):
        Journal(tmp_path, SETTINGS)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"query_id":"a"}\n{"query_id":"b"}\n', "is no journal"),
        (b'{"entry":"run","version":99,"settings":{}}\n{}\n', "is of version 99"),
    ],
)
def test_what_is_no_journal_of_ours_is_left_alone(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "journal.jsonl").write_bytes(content)

    with pytest.raises(DatasetError, match=told):
        Journal(tmp_path, SETTINGS)

    assert (tmp_path / "journal.jsonl").read_bytes() == content


def test_two_runs_cannot_work_on_one_folder(tmp_path: Path) -> None:
    with Journal(tmp_path, SETTINGS), pytest.raises(LabelError, match="another `suffice label` is at work"):
        Journal(tmp_path, SETTINGS)

    Journal(tmp_path, SETTINGS).close()


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")

    with pytest.raises(LabelError, match="cannot be written"):
        Journal(tmp_path / "file", SETTINGS)
