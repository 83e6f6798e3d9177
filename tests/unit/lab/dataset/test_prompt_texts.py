from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from suffice.errors import DatasetError
from suffice.features import read
from suffice.lab.dataset import (
    Query,
    extras,
    group_queries,
    group_texts,
    is_sealed,
    mark_sealed,
    parquet,
    read_features,
    read_user_text,
)
from suffice.lab.dataset.groups import normalise
from suffice.lab.dataset.report import RowError
from suffice.wire.request import Endpoint, parse

TEN = "one two three four five six seven eight nine ten"
EDITED = "one two three four five six seven eight nine eleven"
"""Against `TEN`: 7 shingles of 9 shared, Jaccard 7 / 9."""
FURTHER = "zero two three four five six seven eight nine eleven"
"""Against `EDITED` 7 / 9, against `TEN` 6 / 10."""


def test_only_what_the_user_says_counts() -> None:
    query = Query(
        query_id="a",
        messages=(
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Who was she?"},
            {"role": "assistant", "content": "A poet."},
            {"role": "user", "content": [{"type": "text", "text": "And he?"}, {"type": "image_url", "image_url": {}}]},
        ),
    )

    text = read_user_text(query)

    assert text == "Who was she?\nAnd he?"


def test_a_query_has_the_features_that_the_gateway_would_read_of_it() -> None:
    query = Query(query_id="a", prompt="Prove that there are infinitely many primes.")
    body = b'{"model":"auto","messages":[{"role":"user","content":"Prove that there are infinitely many primes."}]}'

    features = read_features(query)

    assert features == read(parse(Endpoint.CHAT, body))


def test_messages_that_the_gateway_would_refuse_are_an_error_of_the_row() -> None:
    query = Query(query_id="a", messages=({"role": 3, "content": "hi"},))

    with pytest.raises(RowError):
        read_features(query)


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("  What's  NEW,\nStraße? ", "what s new strasse"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}bc\N{LATIN SMALL LIGATURE FI}", "abcfi"),
        ("今天 ok", "今 天 ok"),
        ("?!", "?!"),
        (" \n", ""),
    ],
)
def test_normalising_leaves_words_in_lower_case(text: str, normalised: str) -> None:
    assert normalise(text) == normalised


def test_texts_above_the_threshold_are_grouped_and_others_are_not() -> None:
    near, far = group_texts([TEN, EDITED]), group_texts([TEN, FURTHER])

    assert len(set(near)) == 1
    assert len(set(far)) == 2


def test_groups_are_transitive() -> None:
    groups = group_texts([TEN, FURTHER, EDITED])

    assert len(set(groups)) == 1


def test_seven_tenths_exactly_are_enough() -> None:
    # 14 shared shingles of 20: 16 words in common, then one more in the first text and five more in the other.
    common = " ".join(f"word{number}" for number in range(16))
    left, right = f"{common} a", f"{common} b c d e f"

    assert len(set(group_texts([left, right]))) == 1
    assert len(set(group_texts([left, f"{right} g"]))) == 2


@pytest.mark.parametrize(
    ("left", "right", "together"),
    [
        ("Thanks!", "thanks", True),
        ("Yes, please", "yes please.", True),
        ("yes", "no", False),
        ("yes please", "yes", False),
        ("", "   ", True),
        ("...", "?", False),
    ],
)
def test_short_texts_are_grouped_if_they_are_equal_after_normalising(left: str, right: str, *, together: bool) -> None:
    groups = group_texts([left, right])

    assert (groups[0] == groups[1]) is together


def test_a_group_is_named_by_the_sha_256_of_its_smallest_text() -> None:
    groups = group_texts(["Zebra", TEN, EDITED.upper()])

    # printf 'one two three four five six seven eight nine eleven' | sha256sum
    digest = "1745233835af7dfd14ac25b9101a09740ca7a5fc94dbeb7a3795dfe121501a74"
    assert groups[1:] == [digest, digest]


def test_sealed_groups_are_those_whose_hash_is_divisible_by_five() -> None:
    assert is_sealed(f"{10**70:064x}")
    assert not is_sealed(f"{10**70 + 1:064x}")
    assert mark_sealed(["5", "6", "a"]).tolist() == [True, False, True]


def test_about_a_fifth_of_many_groups_is_sealed() -> None:
    groups = group_texts([f"question {number}" for number in range(2000)])

    assert 0.17 < mark_sealed(groups).mean() < 0.23


def test_a_system_prompt_that_all_share_does_not_group_its_questions() -> None:
    system = {"role": "system", "content": TEN * 20}
    queries = [
        Query(query_id=name, messages=(system, {"role": "user", "content": f"{name} is what I ask about"}))
        for name in ("poetry", "chess")
    ]

    assert len(set(group_queries(queries))) == 2


def test_a_template_around_long_texts_does_not_group_them() -> None:
    template = " ".join(f"rule{number}" for number in range(60))
    texts = [f"{template} {' '.join(f'{kind}x{number}' for number in range(16))}" for kind in range(1500)]

    assert len(set(group_texts(texts))) == 1500


def test_nothing_has_no_groups() -> None:
    assert group_texts([]) == []


def test_a_missing_package_is_named_with_the_extra_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> ModuleType:
        if name == "pyarrow":
            raise ModuleNotFoundError(name)
        return import_module(name)

    monkeypatch.setattr(extras, "import_module", without)

    with pytest.raises(DatasetError, match=r"Parquet files need pyarrow, .* pip install 'suffice\[lab\]'"):
        next(parquet.read(Path("never-opened.parquet")))
