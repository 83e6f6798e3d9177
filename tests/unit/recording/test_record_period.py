import pytest

from suffice.recording.period import parse_since

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800.0), ("24h", 86_400.0), ("7d", 604_800.0), ("2w", 1_209_600.0), ("1.5h", 5400.0)]
)
def test_a_number_with_a_unit_is_so_long_ago(text: str, seconds: float) -> None:
    assert parse_since(text, now=NOW) == NOW - seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", 1_793_491_200.0),
        ("2026-11-01T06:00", 1_793_512_800.0),
        ("2026-11-01T06:00+06:00", 1_793_491_200.0),
    ],
)
def test_a_date_is_utc_unless_it_says_otherwise(text: str, moment: float) -> None:
    assert parse_since(text, now=NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "7x", "-3d", "d"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="write 24h, 7d or 2026-11-01"):
        parse_since(text, now=NOW)
