"""Counting many bytes at once, and texts once, gives what counting byte by byte and text by text gives."""

import json
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from suffice.features.tokens import Estimates, count, estimate_prompt_tokens, estimate_tokens, tally
from suffice.wire.request import Endpoint, parse

_SCRIPTS = {0xF: "four_bytes", 0xE: "three_bytes", 0xD: "two_bytes", 0xC: "two_bytes"}

texts = st.text(st.characters(exclude_categories=[]), max_size=80) | st.text("aB7. \t\n\ré—包🚀", max_size=80)
lines = st.lists(st.sampled_from(["", "\n", "\r", "a", "a\n", "\nb", "two words", "\n\n"]) | texts, max_size=6)


def kind_of(byte: int) -> str:
    character = chr(byte)
    if byte >= 0x80 or (character.isascii() and character.isalpha()):
        return "letters"
    if character in " \t":
        return "space"
    if character in "\n\r":
        return "line_breaks"
    return "digits" if character.isdigit() else "marks"


def count_slowly(text: str) -> tuple[int, ...]:
    raw = text.encode("utf-8", "surrogatepass")
    runs = [kind for kind, _ in groupby(map(kind_of, raw))]
    letters = sum(chr(byte).isascii() and chr(byte).isalpha() for byte in raw)
    words = runs.count("letters")
    # Of the scripts the byte that begins a character says which it is; symbols such as dashes begin with E2.
    leads = ["symbols" if byte == 0xE2 else _SCRIPTS.get(byte >> 4, "") for byte in raw]
    return (
        words,
        sum(0x41 <= byte <= 0x5A for byte in raw),
        sum(0x30 <= byte <= 0x39 for byte in raw),
        runs.count("digits"),
        sum(kind_of(byte) == "marks" for byte in raw),
        runs.count("marks"),
        runs.count("line_breaks"),
        max(0, letters - 8 * words),
        leads.count("two_bytes"),
        leads.count("symbols"),
        leads.count("three_bytes"),
        leads.count("four_bytes"),
    )


@given(text=texts)
def test_counts_are_those_of_a_loop_over_the_bytes(text: str) -> None:
    assert count(text) == count_slowly(text)


@given(text=texts)
def test_a_tally_holds_each_byte_once(text: str) -> None:
    assert sum(tally(text)) == len(text.encode("utf-8", "surrogatepass"))


@given(texts=lines)
def test_lines_have_the_tokens_of_the_text_that_they_make(texts: list[str]) -> None:
    estimates = Estimates()

    for _ in range(2):
        assert estimates.of_lines(texts) == estimate_tokens("\n".join(texts))
        assert [estimates.of(text) for text in texts] == list(map(estimate_tokens, texts))


def test_lines_beyond_a_chunk_have_them_too() -> None:
    texts = ["word 12\n" * 5_000, "\nmore", "words " * 6_000]

    assert Estimates().of_lines(texts) == estimate_tokens("\n".join(texts))


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=1, max_size=4))
def test_estimates_that_are_known_change_no_prompt(texts: list[str]) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": text} for text in texts]}
    request = parse(Endpoint.CHAT, json.dumps(body).encode())
    estimates = Estimates()
    estimates.of_lines(texts)

    assert estimate_prompt_tokens(request, estimates) == estimate_prompt_tokens(request)
