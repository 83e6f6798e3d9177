import msgspec
import pytest

from suffice.lab.checkers import Check, is_right


def check(kind: str, expect: object) -> Check:
    return msgspec.convert({"type": kind, "expect": expect}, Check)


def cases(*rows: tuple[object, str, bool]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("expect", "answer", "right"), rows)


LABELS = ["refund", "order_status", "cancel_order", "order"]


@cases(
    (["refund", LABELS], "refund", True),
    (["refund", LABELS], "**Refund.**", True),
    (["refund", LABELS], "The intent is\nrefund", True),
    (["refund", LABELS], "refund or order_status", False),
    (["refund", LABELS], "", False),
    (["order", LABELS], "cancel_order", False),
    (["cancel_order", LABELS], "`cancel_order`", True),
    (["refund", LABELS], "refunded", False),
)
def test_a_choice_names_the_label_and_no_other(expect: object, answer: str, *, right: bool) -> None:
    assert is_right(check("choice", expect), answer) is right


@cases(
    (["Sven", ["Omar", "Sven"]], "Omar is before Sven.\nAnswer: Sven", True),
    (["Sven", ["Omar", "Sven"]], "answer : **Sven**", True),
    (["Sven", ["Omar", "Sven"]], "Answer: Omar\nNo. Answer: Sven", True),
    (["Sven", ["Omar", "Sven"]], "Omar came first.\nSo it is Sven.", True),
    (["Sven", ["Omar", "Sven"]], "Sven\nAnswer: Omar", False),
    (["Sven", ["Omar", "Sven"]], "  \n ", False),
)
def test_a_last_choice_reads_the_closing_line(expect: object, answer: str, *, right: bool) -> None:
    assert is_right(check("choice_last", expect), answer) is right


@cases(
    (["Canberra"], " canberra. ", True),
    (["Canberra", "Kanberra"], '**"Kanberra"**', True),
    (["New  York"], "new york", True),
    (["ﬁne"], "fine", True),
    (["Canberra"], "It is Canberra.", False),
    (["Canberra"], "", False),
)
def test_an_exact_answer_is_the_text_and_nothing_else(expect: object, answer: str, *, right: bool) -> None:
    assert is_right(check("exact", expect), answer) is right


@cases(
    (["Canberra"], "It is Canberra.", True),
    (["canberra"], "It is Canberra.", False),
    (["1"], "a warranty of 1 year", True),
    (["1"], "a warranty of 11 years", False),
    (["1"], "it weighs 4.1 kg", False),
    (["a@b.org", "Imani"], "Name: Imani", True),
    (["#12"], "order#12", True),
)
def test_contains_wants_whole_words(expect: object, answer: str, *, right: bool) -> None:
    assert is_right(check("contains", expect), answer) is right


@cases(
    (8, "3 + 5 = 8.", True),
    (1250, "The total is $1,250.00", True),
    (-3, "-3", True),
    (8, "8 of 9", False),
    (8, "eight", False),
)
def test_a_number_is_the_last_one(expect: object, answer: str, *, right: bool) -> None:
    assert is_right(check("number", expect), answer) is right


@cases(
    (465, "We add 12.\nAnswer: 465 euros, not more", True),
    (465, "Answer: 465\nThat was step 3.", True),
    (465, "So \\boxed{465} in 3 steps.\nAnswer: see above", True),
    (465, "It is 465", True),
    (465, "Answer: 464", False),
    (465, "", False),
)
def test_a_last_number_reads_the_closing_line_then_the_box_then_all(
    expect: object, answer: str, *, right: bool
) -> None:
    assert is_right(check("number_last", expect), answer) is right


@cases(
    ({"a": 1, "b": [True]}, '```json\n{"b": [true],\n "a": 1}\n```', True),
    ({"a": 1}, '{"a": 1.0}', True),
    ({"a": 1}, '{"a": 1, "b": 2}', False),
    ({"a": 1}, "{a: 1}", False),
    ({"a": 1}, "none", False),
    ({"a": 1}, "{" + '"a":[' * 100_000 + "}", False),
)
def test_json_is_compared_by_value(expect: object, answer: str, *, right: bool) -> None:
    assert is_right(check("json", expect), answer) is right


@cases(
    ("[1, 2]", "Trace...\nOutput: `[1,2]`", True),
    ("[1, 2]", "Answer: [1, 2].", True),
    ("2026-07-02", "Answer: Thursday, 2026-07-02", True),
    ("7", "Answer: 17", False),
    ("7", "It prints `3`, then `7`", True),
    ("7", "Output: <the output>\n\\boxed{7}", True),
    ("7", "so\n7", True),
    ("7", "<answer>7</answer>", True),
    ("7", "", False),
)
def test_an_output_is_the_closing_line_or_the_last_span(expect: object, answer: str, *, right: bool) -> None:
    assert is_right(check("output_last", expect), answer) is right


def test_an_unknown_kind_is_refused_when_the_workload_is_read() -> None:
    with pytest.raises(msgspec.ValidationError, match="sorcery"):
        check("sorcery", 1)
