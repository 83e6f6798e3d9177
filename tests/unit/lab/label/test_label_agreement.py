import pytest

from suffice.lab.label.agreement import agree


@pytest.mark.parametrize(
    ("answer", "reference", "same"),
    [
        ("Canberra", "canberra.", True),
        ("It is  Canberra", "It is Canberra", True),
        ("It is Canberra", "Canberra", False),
        ("1,250.00", "$1250", True),
        ("12 %", "12%", True),
        ("12", "13", False),
        ("It costs 12", "12", False),
        ("So, 3 + 4.\nAnswer: 7", "Let us see.\nAnswer: **7.0**", True),
        ("Answer: 7", "seven", False),
        ('{"a": 1, "b": [1, 2]}', '```json\n{"b": [1, 2], "a": 1.0}\n```', True),
        ('{"a": 1}', '{"a": 2}', False),
        ("[1, 2", "[1, 2", True),
        ('{"a": "\ud800"}', "x", False),
        ("", "", True),
        ("", "something", False),
    ],
)
def test_answers_agree_as_json_numbers_or_texts(answer: str, reference: str, *, same: bool) -> None:
    assert agree(answer, reference) is same
    assert agree(reference, answer) is same
