from collections import Counter
from hashlib import sha256
from itertools import pairwise
from math import log1p, sqrt
from zlib import crc32

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from suffice.estimators.lexical import Layout, extract
from suffice.estimators.lexical.router import LEXICAL_VERSION
from suffice.estimators.lexical.surface import MAX_COUNT, SURFACE, measure
from suffice.estimators.lexical.wordkinds import KINDS, OPENINGS
from suffice.estimators.lexical.words import MAX_CHARS, pair_buckets, pair_hash, read, runs_of

LAYOUT = Layout(word_bits=12, run_bits=14, pair_bits=12)


def row(text: str, layout: Layout = LAYOUT) -> dict[int, float]:
    rows = extract([text], layout)
    return dict(zip(rows.columns.tolist(), rows.values.tolist(), strict=True))


def surface(text: str) -> dict[str, float]:
    columns = row(text)
    return {name: columns[LAYOUT.first_surface + place] for place, name in enumerate(SURFACE)}


def test_words_are_runs_of_letters_and_digits_of_any_script() -> None:
    words = read("Don't pay €4.50 for Käse_x, 東京!").words

    assert [word.decode() for word in words] == ["don", "t", "pay", "€4", "50", "for", "käse", "x", "東京"]


def test_of_a_long_text_both_ends_are_read() -> None:
    text = read("first " + "middle " * MAX_CHARS + "last")

    assert len(text.raw) == MAX_CHARS + 1
    assert (text.words[0], text.words[-1]) == (b"first", b"last")


def test_what_is_no_unicode_is_read_as_a_mark() -> None:
    assert read("a\ud800b").words == [b"a", b"b"]


@example(word=b"a")
@example(word=b"x" * 48)
@example(word=b"x" * 49)
@example(word=bytes(range(128, 256)) * 4)
@given(word=st.binary(min_size=1, max_size=100))
def test_runs_are_those_found_by_looking_at_every_place(word: bytes) -> None:
    padded = b" " + word + b" "
    expected = [
        crc32(padded[place : place + size]) % 2**14
        for place in range(len(padded))
        for size in (3, 4, 5)
        if place + size <= len(padded)
    ]

    assert runs_of([word], LAYOUT).buckets.tolist() == expected


@given(words=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=9))
def test_runs_of_many_words_are_those_of_each(words: list[bytes]) -> None:
    found = runs_of(words, LAYOUT)

    by_word = np.split(found.buckets, found.starts[1:])
    assert [part.tolist() for part in by_word] == [runs_of([word], LAYOUT).buckets.tolist() for word in words]


def test_columns_stay_where_bundles_already_trained_have_them() -> None:
    rows = extract(["Prove that 3 + 4 = 7.\nHow? Käse, 東京!", "why not"], Layout(pair_bits=17))

    digest = sha256(rows.columns.astype("<i4").tobytes() + rows.starts.astype("<i8").tobytes()).hexdigest()

    # Who changes this raises LEXICAL_VERSION, so that the bundles of before are refused.
    assert (LEXICAL_VERSION, digest[:16]) == (1, "b05eafbb35e804bd")


def test_pairs_have_the_buckets_of_their_formula() -> None:
    hashes = [pair_hash(word) for word in (b"prove", b"it", b"now")]

    buckets = pair_buckets(np.array(hashes, dtype=np.uint64), LAYOUT).tolist()

    assert buckets == [
        (first * 0xC2B2_AE3D_27D4_EB4F + second) % 2**64 >> (64 - 12) for first, second in pairwise(hashes)
    ]


@given(texts=st.lists(st.text(max_size=80), max_size=5))
def test_a_row_depends_on_its_text_alone(texts: list[str]) -> None:
    together = extract(texts, LAYOUT)

    for index, text in enumerate(texts):
        alone = extract([text], LAYOUT)
        inside = slice(together.starts[index], together.starts[index + 1])
        assert together.columns[inside].tolist() == alone.columns.tolist()
        assert together.values[inside].tolist() == alone.values.tolist()


@given(text=st.text(max_size=200))
def test_columns_of_a_row_rise_and_lie_in_the_layout(text: str) -> None:
    rows = extract([text], LAYOUT)

    assert bool(np.all(np.diff(rows.columns) > 0))
    assert rows.columns[0] >= 0
    assert rows.columns[-1] < rows.n_columns == LAYOUT.n_columns
    assert bool(np.all(np.isfinite(rows.values)))


def test_no_texts_make_no_rows() -> None:
    rows = extract([], LAYOUT)

    assert (rows.starts.tolist(), rows.columns.size, rows.values.size) == ([0], 0, 0)


def test_a_text_without_words_has_its_surface_alone() -> None:
    assert set(row("?!")) == set(range(LAYOUT.first_surface, LAYOUT.n_columns))


def test_hashed_columns_are_divided_by_the_root_of_the_number_of_different_words() -> None:
    hashed = [value for column, value in row("zebra quagga zebra").items() if column < LAYOUT.first_kind]

    # Two words, 13 + 16 - 2 runs, one pair; a run that both have counts twice.
    assert sum(hashed) == pytest.approx((2 + (5 + 4 + 3) + (6 + 5 + 4) + 1) / sqrt(2), rel=1e-6)


def test_without_pairs_the_order_of_words_changes_the_opening_alone() -> None:
    layout = Layout(word_bits=12, run_bits=14, pair_bits=0)

    assert row("zebra quagga", layout) == row("quagga zebra", layout)
    assert row("zebra quagga") != row("quagga zebra")


def test_without_runs_words_alone_have_columns() -> None:
    layout = Layout(word_bits=12, run_bits=0, pair_bits=0)

    words = {column for column in row("zebra quagga", layout) if column < layout.first_kind}

    assert words == {crc32(b"zebra") % 2**12, crc32(b"quagga") % 2**12}
    assert layout.first_kind == 2**12


def test_kinds_of_words_are_counted() -> None:
    columns = row("Prove the lemma, and translate it")
    names = list(KINDS)

    kinds = {names[c - LAYOUT.first_kind]: v for c, v in columns.items() if 0 <= c - LAYOUT.first_kind < len(KINDS)}

    assert kinds == {"proof": pytest.approx(2 / sqrt(6)), "language": pytest.approx(1 / sqrt(6))}


def test_the_first_word_opens() -> None:
    columns = row("How is it?")

    openings = [c - LAYOUT.first_opening for c in columns if 0 <= c - LAYOUT.first_opening < len(OPENINGS)]

    assert [OPENINGS[place] for place in openings] == ["how"]


def test_no_kind_lists_a_word_twice_or_in_capitals() -> None:
    for words in KINDS.values():
        assert max(Counter(words.split()).values()) == 1
        assert words == words.lower()
        assert all(read(word).words == [word.encode()] for word in words.split())


def test_the_surface_counts_what_a_text_looks_like() -> None:
    counts = {name: round(np.expm1(value)) for name, value in surface("Is 3+4 = $7$? Ä\n```(x)\x01\n").items()}

    assert {name: count for name, count in counts.items() if count} == {
        "lower": 2,
        "upper": 1,
        "digits": 3,
        "spaces": 4,
        "line_breaks": 2,
        "operators": 2,
        "brackets": 2,
        "code_marks": 3,
        "formula_marks": 2,
        "question_marks": 1,
        "other_scripts": 2,
        "words": 6,
        "different_words": 6,
        "code_fences": 1,
    }


@pytest.mark.parametrize("text", ["Which?\nA) x\nB) y", "Which?\nA. x\nB. y", "(a) x (b) y", "do\n1. x\n2. y"])
def test_a_list_of_options_is_seen(text: str) -> None:
    assert surface(text)["options"] >= log1p(1) - 1e-6


@given(text=st.text("abB12.:)- \n", max_size=40))
def test_options_are_the_different_marks_of_a_second_item(text: str) -> None:
    marks = ("b)", "\nb.", "\nb:", "\n2.", "\n- ")

    assert round(np.expm1(surface(text)["options"])) == sum(mark in text.lower() for mark in marks)


def test_the_longest_text_has_no_count_beyond_the_greatest() -> None:
    raw, lowered, words = read("\N{ROCKET}" * 2 * MAX_CHARS)

    assert len(raw) <= MAX_COUNT
    assert measure(raw, lowered, len(words), 1)[SURFACE.index("other_scripts")] == pytest.approx(log1p(4 * MAX_CHARS))


def test_measures_are_written_where_they_are_wanted() -> None:
    place = np.empty(len(SURFACE), dtype=np.float32)

    measure(b"Why? ```", b"why? ```", 1, 1, place)

    assert place.tolist() == measure(b"Why? ```", b"why? ```", 1, 1).tolist()


def test_a_text_without_a_list_has_no_options() -> None:
    assert surface("Bob buys a boat.\nBut why?")["options"] == 0.0


def test_the_measures_of_nothing_are_zero() -> None:
    assert measure(b"", b"", 0, 0).tolist() == [0.0] * len(SURFACE)


@pytest.mark.parametrize("bits", [(0, 5, 5), (5, 23, 5), (5, 5, -1)])
def test_bits_out_of_range_make_no_layout(bits: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="bits"):
        Layout(*bits)
