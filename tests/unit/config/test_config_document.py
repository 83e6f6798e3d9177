import math

import pytest

from suffice.config.document import MAX_CHARACTERS, Value, read, render_path


@pytest.mark.parametrize(
    "text",
    ["on", "off", "yes", "no", "y", "12:30:45", "0123", "1_000", "2026-11-23", "1e", "=", "<<", "0b11", "0O17", "tRUE"],
)
def test_what_looks_like_a_text_stays_one(text: str) -> None:
    document = read(f"key: {text}")

    assert document.tree == {"key": text}
    assert document.slips == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("12", 12),
        ("-7", -7),
        ("0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-.INF", -math.inf),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
    ],
)
def test_scalars_are_read_by_the_core_schema(text: str, value: Value) -> None:
    document = read(f"key: {text}")

    assert document.tree == {"key": value}
    assert type(document.tree["key"]) is type(value)


def test_nan_is_a_number() -> None:
    value = read("key: .NaN").tree["key"]

    assert isinstance(value, float)
    assert math.isnan(value)


def test_every_value_knows_its_line() -> None:
    document = read("tiers:\n  - name: small\n    price:\n      input: 1\n  - {name: large}\n")

    assert document.line(("tiers", 0, "price", "input")) == 4
    assert document.line(("tiers", 1, "name")) == 5


def test_a_missing_value_has_the_line_of_what_encloses_it() -> None:
    document = read("tiers:\n  - name: small\n    price: {}\n")

    assert document.line(("tiers", 0, "price", "input")) == 3
    assert document.line(("server", "port")) is None


def test_a_key_that_stands_twice_keeps_its_first_value() -> None:
    document = read("a: 1\nb: 2\na: 3\n")

    assert document.tree == {"a": 1, "b": 2}
    assert [(slip.path, slip.line) for slip in document.slips] == [(("a",), 3)]
    assert "line 1" in document.slips[0].remedy


def test_every_key_that_stands_twice_is_told() -> None:
    document = read("a: {x: 1, x: 2}\nb: [{y: 1, y: 2}]\n")

    assert [slip.path for slip in document.slips] == [("a", "x"), ("b", 0, "y")]


@pytest.mark.parametrize("key", ["4", "true", "null", "[a, b]", "{a: b}", "1.5"])
def test_a_key_that_is_no_text_is_told(key: str) -> None:
    document = read(f"outer:\n  ? {key}\n  : 1\n")

    assert len(document.slips) == 1
    assert "keys are texts" in document.slips[0].remedy
    assert document.slips[0].line == 2


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a:\n\t- b", 2, "blanks, not with tabs"),
        ("a: [1, 2", 1, "is not YAML"),
        ("a: b: c", 1, "quotes"),
        ("a: 1\n--- \nb: 2", 2, "one document"),
        ("a: 1\nb: \x01", 2, "cannot hold"),
        ("- a\n- b", 1, "a list"),
        ("plain", 1, "a text"),
        ("a: *nowhere", 1, "undefined alias"),
    ],
)
def test_a_file_that_is_no_configuration_is_told_with_its_line(text: str, line: int, words: str) -> None:
    document = read(text)

    assert document.tree == {}
    assert [slip.line for slip in document.slips] == [line]
    assert words in document.slips[0].remedy


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_an_empty_file_is_told(text: str) -> None:
    assert [slip.remedy for slip in read(text).slips] != []


@pytest.mark.parametrize(
    "value", ["!!int abc", "!!timestamp 2026-11-23", "!!python/object:os.system x", "!own 1", "!!bool on"]
)
def test_a_tag_that_does_not_fit_is_told(value: str) -> None:
    document = read(f"key: {value}")

    assert [slip.path for slip in document.slips] == [("key",)]
    assert "without a tag" in document.slips[0].remedy


def test_aliases_stand_for_what_they_name() -> None:
    document = read("a: &price {input: 1}\nb: *price\n")

    assert document.tree["b"] == {"input": 1}


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n"
            for before, name in zip("abcdefg", "bcdefgh", strict=True)
        ),
        "a: &a [*a]",
        "a: " + "[" * 40 + "]" * 40,
        "a: " + "[" * 50_000,
        "a: " + "{b: " * 2_000,
        "a: " + "x" * MAX_CHARACTERS,
    ],
    ids=["bomb", "cycle", "deep", "very deep", "deep mappings", "long"],
)
def test_a_file_that_would_exhaust_memory_is_refused(text: str) -> None:
    document = read(text)

    assert len(document.slips) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), "(file)"),
        (("tiers", 0, "price", "input"), "tiers[0].price.input"),
        (("aliases", "gpt-4.1", "tier"), 'aliases["gpt-4.1"].tier'),
        (("passthrough", "/v1/embeddings"), 'passthrough["/v1/embeddings"]'),
        (("aliases", 'a"\n\x1b'), 'aliases["a\\"\\n\\x1b"]'),
    ],
)
def test_paths_are_written_as_people_do(path: tuple[str | int, ...], text: str) -> None:
    assert render_path(path) == text
