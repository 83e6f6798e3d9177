import pytest

from suffice.features.passages import MAX_CODE, MAX_OWN, part

QUESTION = "How long is the warranty on the blue kettle, and does it cover the handle?"
INSTRUCTION = "Please answer in one short sentence, using only what the article says."
SENTENCE = "The mill by the river was rebuilt in the spring and the council paid for its great wheel. "
PARAGRAPH = (SENTENCE * 8).strip()
PASSAGE = "\n\n".join([PARAGRAPH] * 46)
"""About 8,000 tokens."""


@pytest.mark.parametrize("text", ["", "yes, do it", "Why?\n\nBecause I said so.", "x" * 240, PARAGRAPH, QUESTION * 10])
def test_a_short_message_stays_as_it_is(text: str) -> None:
    parted = part(text)

    assert parted.own == text
    assert parted.left_out == ""


@pytest.mark.parametrize(
    "message",
    [
        f"{PASSAGE}\n\n{QUESTION}",
        f"{QUESTION}\n\n{PASSAGE}",
        f"{PASSAGE}\n\n{QUESTION}\n\n{PASSAGE}",
        f"{PASSAGE}\n{QUESTION}",
        f"Context: {PASSAGE}\n\nQuestion: {QUESTION}",
        f"<document index='1'>\n{PASSAGE}\n</document>\n{QUESTION}",
        f"{QUESTION}\n<context>{PASSAGE}",
        f'{QUESTION}\n"""{PASSAGE}"""',
        f"```\n{PASSAGE}\n```\n{QUESTION}",
        "> " + PASSAGE.replace("\n", "\n> ") + f"\n\n{QUESTION}",
        f"{SENTENCE * 400}{QUESTION}",
        "\n".join([SENTENCE] * 400) + f"\n{QUESTION}",
    ],
    ids=[
        "before", "after", "around", "same-paragraph", "labelled", "tagged", "unclosed-tag", "triple-quoted", "fenced",
        "block-quote", "one-line", "lines",
    ],
)  # fmt: skip
def test_eight_thousand_tokens_of_passage_leave_the_question_alone(message: str) -> None:
    parted = part(message)

    assert QUESTION in parted.own
    assert len(parted.own) <= len(QUESTION) + 20
    assert len(parted.left_out) > 0.9 * len(PASSAGE)


def test_instruction_and_question_both_stay() -> None:
    parted = part(f"{INSTRUCTION}\n\nArticle: {PASSAGE}\n\n{QUESTION}")

    assert parted.own.split("\n") in ([INSTRUCTION, "", QUESTION], [INSTRUCTION, QUESTION])


def test_a_labelled_passage_goes_even_from_a_short_message() -> None:
    parted = part(f"{INSTRUCTION}\n\nArticle: {SENTENCE * 4}\n\nQuestion: {QUESTION}")

    assert parted.own == f"{INSTRUCTION}\n\nQuestion: {QUESTION}"
    assert SENTENCE.strip() in parted.left_out


def test_code_that_is_asked_about_stays() -> None:
    code = "def total(xs):\n    s = 0\n    for x in xs:\n        s += x\n    return s"

    parted = part(f"What does this print for [1, 2]?\n\n```python\n{code}\n```\n\n{PASSAGE}")

    assert code in parted.own
    assert "What does this print" in parted.own
    assert "river" not in parted.own


def test_unfenced_code_stays_up_to_a_bound() -> None:
    code = "\n".join(f"    total = total + prices[{index}];" for index in range(400))

    parted = part(f"Why does this overflow?\n\nint main() {{\n{code}\n}}")

    assert "Why does this overflow?" in parted.own
    assert "total = total + prices[0];" in parted.own
    assert len(parted.own) <= MAX_CODE + 60


def test_long_fenced_code_stays_up_to_a_bound() -> None:
    code = "\n".join(f"x{index} = compute({index})" for index in range(1000))

    parted = part(f"Why is this slow?\n```python\n{code}\n```")

    assert parted.own.startswith("Why is this slow?")
    assert len(parted.own) <= MAX_CODE + 40


def test_a_manual_that_gives_instructions_itself_does_not_flood_the_question() -> None:
    manual = "\n\n".join(f"Check the valve {index} and write down its number." for index in range(300))

    parted = part(f"{manual}\n\n{QUESTION}")

    assert QUESTION in parted.own
    assert len(parted.own) < 300


def test_a_question_in_another_script_is_found_by_its_mark() -> None:
    question = "保修期有多长\N{FULLWIDTH QUESTION MARK}"

    parted = part(f"{PASSAGE}\n\n{question}")

    assert parted.own == question


def test_without_any_question_the_last_short_paragraph_is_taken() -> None:
    parted = part(f"{PASSAGE}\n\nkurz zusammenfassen bitte")

    assert parted.own == "kurz zusammenfassen bitte"


def test_of_a_text_without_breaks_both_ends_are_taken() -> None:
    parted = part("начало " + "слово " * 20_000 + "конец")

    assert parted.own.startswith("начало")
    assert parted.own.endswith("конец")
    assert len(parted.own) <= 900


def test_own_words_are_bounded_however_much_is_asked() -> None:
    parted = part("\n\n".join(f"Question: {index} {'why ' * 60}?" for index in range(200)))

    assert len(parted.own) <= MAX_OWN + 50


@pytest.mark.parametrize("document", [PASSAGE, SENTENCE * 4], ids=["long", "short"])
def test_a_message_that_is_all_document_is_told_by_its_ends(document: str) -> None:
    message = f"<document>Minutes of May. {document} Signed by Ada.</document>"

    parted = part(message)

    assert "Minutes of May." in parted.own
    assert "Signed by Ada." in parted.own
    assert len(parted.own) <= 900


def test_a_message_that_is_one_short_labelled_passage_stays() -> None:
    message = f"Email: {SENTENCE * 4}"

    assert part(message).own == message


def test_the_short_content_of_a_tag_stays() -> None:
    parted = part(f"<context>It is raining.</context>\n{QUESTION}\n<document>{PASSAGE}</document>")

    assert "It is raining." in parted.own
    assert QUESTION in parted.own
    assert "river" not in parted.own


def test_of_a_huge_message_both_ends_are_read() -> None:
    parted = part(f"{INSTRUCTION}\n\n{PASSAGE * 6}\n\n{QUESTION}")

    assert parted.own == f"{INSTRUCTION}\n{QUESTION}"
