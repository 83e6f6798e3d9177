import pytest

from suffice.judging.validators import Candidate, judge
from suffice.vocabulary import Verdict, VerdictReason
from suffice.wire.request import FunctionCall, ToolCall

CALL = ToolCall(id="c", function=FunctionCall(name="f", arguments="{}"))
ACCEPTED = Verdict(accepted=True, reason=VerdictReason.ACCEPTED)


def rejected(reason: VerdictReason) -> Verdict:
    return Verdict(accepted=False, reason=reason)


@pytest.mark.parametrize(
    "candidate",
    [
        Candidate(text="42"),
        Candidate(text="42", finish_reason="stop"),
        Candidate(text="", tool_calls=[CALL], finish_reason="tool_calls"),
        Candidate(text="", refusal="I cannot help with that"),
    ],
)
def test_an_answer_without_a_fault_is_accepted(candidate: Candidate) -> None:
    assert judge([candidate], wants_json=False, max_tokens=None) == ACCEPTED


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_an_answer_of_nothing_is_rejected(text: str) -> None:
    assert judge([Candidate(text=text)], wants_json=False, max_tokens=None) == rejected(VerdictReason.EMPTY)


def test_no_choice_at_all_is_an_empty_answer() -> None:
    assert judge([], wants_json=False, max_tokens=None) == rejected(VerdictReason.EMPTY)


@pytest.mark.parametrize(("max_tokens", "verdict"), [(None, rejected(VerdictReason.CUT)), (5, ACCEPTED)])
def test_an_answer_cut_at_the_models_own_limit_is_rejected(max_tokens: int | None, verdict: Verdict) -> None:
    candidate = Candidate(text="and then", finish_reason="length")

    assert judge([candidate], wants_json=False, max_tokens=max_tokens) == verdict


def test_tool_calls_cut_at_the_models_own_limit_are_rejected_too() -> None:
    candidate = Candidate(text="", tool_calls=[CALL], finish_reason="length")

    assert judge([candidate], wants_json=False, max_tokens=None) == rejected(VerdictReason.CUT)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"a": 1}', ACCEPTED),
        ("[1]", ACCEPTED),
        (' "text" ', ACCEPTED),
        ("{'a': 1}", rejected(VerdictReason.INVALID_JSON)),
        ('{"a": 1', rejected(VerdictReason.INVALID_JSON)),
        ("```json\n{}\n```", rejected(VerdictReason.INVALID_JSON)),
        ("[" * 100_000, rejected(VerdictReason.INVALID_JSON)),
    ],
)
def test_where_json_is_wanted_anything_else_is_rejected(text: str, verdict: Verdict) -> None:
    assert judge([Candidate(text=text)], wants_json=True, max_tokens=None) == verdict


def test_json_cut_at_the_clients_limit_is_what_was_asked_for() -> None:
    candidate = Candidate(text='{"a": 1', finish_reason="length")

    assert judge([candidate], wants_json=True, max_tokens=5) == ACCEPTED


def test_a_tool_call_is_an_answer_where_json_is_wanted() -> None:
    assert judge([Candidate(text="", tool_calls=[CALL])], wants_json=True, max_tokens=None) == ACCEPTED


def test_one_faultless_choice_is_enough() -> None:
    candidates = [Candidate(text=""), Candidate(text="42"), Candidate(text="x", finish_reason="length")]

    assert judge(candidates, wants_json=False, max_tokens=None) == ACCEPTED


def test_among_faulty_choices_the_first_fault_is_the_reason() -> None:
    candidates = [Candidate(text="x", finish_reason="length"), Candidate(text="")]

    assert judge(candidates, wants_json=False, max_tokens=None) == rejected(VerdictReason.CUT)
