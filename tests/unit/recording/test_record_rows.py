import re
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from suffice.recording import rows
from suffice.recording.rows import ATTEMPT_COLUMNS, REQUEST_COLUMNS, SqlValue
from suffice.recording.schema import MIGRATIONS, migrate
from suffice.testing.outcomes import LARGE, SMALL, make_attempt, make_outcome
from suffice.vocabulary import Mode, Outcome, Proposal, Reason, Token
from suffice.wire.request import Endpoint

LATER = {"category", "label", "label_source", "label_comment", "features"}
"""Columns that later issues fill."""


def request_row(outcome: Outcome) -> dict[str, SqlValue]:
    return dict(zip(REQUEST_COLUMNS, rows.request_row(outcome), strict=True))


def attempt_rows(outcome: Outcome) -> list[dict[str, SqlValue]]:
    return [dict(zip(ATTEMPT_COLUMNS, row, strict=True)) for row in rows.attempt_rows(outcome)]


def columns_of(table: str) -> set[str]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, migrations=MIGRATIONS)
    names = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    connection.close()
    return names


def test_a_request_row_fills_every_column_but_those_for_later() -> None:
    assert set(request_row(make_outcome())) == columns_of("requests") - LATER


def test_an_attempt_row_fills_every_column() -> None:
    assert set(attempt_rows(make_outcome())[0]) == columns_of("attempts")


@pytest.mark.parametrize("escalated", [False, True])
def test_rows_of_whatever_outcomes_have_a_value_for_each_column(*, escalated: bool) -> None:
    bare = Outcome(request_id="r", received_at=1.0, endpoint="/v1/embeddings", attempts=[make_attempt()])
    bare.attempts[0].usage = bare.attempts[0].verdict = None
    full = make_outcome(escalated=escalated)

    for outcome in (bare, full):
        assert len(rows.request_row(outcome)) == len(REQUEST_COLUMNS)
        assert [len(row) for row in rows.attempt_rows(outcome)] == [len(ATTEMPT_COLUMNS)] * len(outcome.attempts)


def test_values_are_of_plain_types_so_that_the_driver_keeps_them_at_once() -> None:
    outcome = make_outcome(escalated=True)
    outcome.endpoint = Endpoint.CHAT

    values = [*rows.request_row(outcome), *(value for row in rows.attempt_rows(outcome) for value in row)]

    assert {type(value) for value in values} <= {str, int, float, bytes, type(None)}


def test_an_escalated_request_names_the_tier_that_served_and_the_first_one() -> None:
    row = request_row(make_outcome(escalated=True))

    assert (row["tier"], row["model"], row["first_tier"], row["top_tier"]) == (LARGE, "llama-70b", SMALL, LARGE)
    assert (row["escalated"], row["n_attempts"]) == (1, 2)


def test_tokens_and_cost_of_rejected_drafts_are_in_the_request_row() -> None:
    row = request_row(make_outcome(escalated=True))

    assert (row["prompt_tokens"], row["cached_tokens"], row["completion_tokens"]) == (1600, 1024, 400)
    assert row["cost_usd"] == pytest.approx(0.001)


def test_a_request_that_was_refused_has_no_tier_and_no_decision() -> None:
    outcome = Outcome(request_id="r", received_at=1.0, endpoint="/v1/chat/completions", status=400, error="invalid")

    row = request_row(outcome)

    assert {row[name] for name in ("tier", "model", "first_tier", "reason", "complexity", "n_turns")} == {None}
    assert (row["status"], row["error"], row["n_attempts"]) == (400, "invalid", 0)


def test_an_observed_request_says_what_would_have_been_done() -> None:
    outcome = make_outcome(tier=LARGE)
    assert outcome.decision is not None
    proposal = Proposal(tier=SMALL, reason=Reason.SUFFICES)
    outcome.decision = replace(outcome.decision, reason=Reason.OBSERVE, proposal=proposal)
    outcome.mode = Mode.OBSERVE

    row = request_row(outcome)

    assert (row["mode"], row["reason"], row["first_tier"]) == ("observe", "observe", LARGE)
    assert (row["proposed_tier"], row["proposed_reason"]) == (SMALL, "suffices")


def test_mappings_are_json_and_empty_ones_null() -> None:
    row = request_row(make_outcome())

    assert row["thresholds"] == '{"small":4.0}'
    assert row["p_ok"] is None


def test_a_rejected_draft_keeps_its_verdict_and_signals() -> None:
    draft, served = attempt_rows(make_outcome(escalated=True))

    assert (draft["seq"], draft["role"], draft["accepted"], draft["verdict_reason"]) == (0, "draft", 0, "empty")
    assert (draft["confidence"], draft["signals"]) == (0.25, '{"n_chars":0.0}')
    assert (served["seq"], served["role"], served["accepted"], served["verdict_reason"]) == (1, "serve", 1, "top")


def test_tokens_are_kept_in_the_form_of_the_tape_beside_their_answer() -> None:
    outcome = make_outcome()
    outcome.attempts[0].answer = "Hi"
    outcome.attempts[0].tokens = (Token(text="H", logprob=-0.5, second_logprob=-1.0), Token(text="i", logprob=-0.25))

    row = attempt_rows(outcome)[0]

    assert row["answer"] == "Hi"
    assert row["tokens"] == '[{"text":"H","logprob":-0.5,"second_logprob":-1.0},{"text":"i","logprob":-0.25}]'


def test_tokens_are_not_kept_where_the_answer_is_not() -> None:
    outcome = make_outcome()
    outcome.attempts[0].tokens = (Token(text="secret", logprob=-0.5),)

    assert attempt_rows(outcome)[0]["tokens"] is None


@pytest.mark.parametrize("table", ["requests", "attempts", "drops"])
def test_the_reference_lists_every_column(table: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "records.md").read_text(encoding="utf-8")
    section = page.partition(f"## `{table}`\n")[2].partition("\n## ")[0]

    assert set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)) == columns_of(table)
