from pathlib import Path

import pytest

from suffice.cli.shares import Split, score_reference, split, split_all, warn_of_splits
from suffice.config import Loaded, build_yardstick, parse
from suffice.errors import Mistake
from suffice.scoring import REFERENCE_TURNS, Length

COMPLEXITIES = [index / 10 for index in range(101)]


def make_config(*names: str, rest: str = "") -> Loaded:
    tiers = "".join(
        f"  - {{name: {name}, model: m-{name}, base_urls: ['http://127.0.0.1:1/v1'], price: {{input: 1}}}}\n"
        for name in names
    )
    return parse(f"tiers:\n{tiers}scorer: {{kind: length}}\n{rest}", {}, folder=Path())


def splits_of(loaded: Loaded) -> list[Split]:
    return split_all(loaded.config, build_yardstick(loaded), COMPLEXITIES)


def warnings_of(loaded: Loaded) -> list[Mistake]:
    return warn_of_splits(splits_of(loaded), COMPLEXITIES)


def test_each_complexity_goes_to_the_first_tier_that_takes_it() -> None:
    one = split(["a", "b", "c"], None, {"a": 2, "b": 7}, [0.0, 2.0, 2.1, 7.0, 7.1, 10.0, 10.0, 10.0])

    assert one.shares == {"a": 0.25, "b": 0.25, "c": 0.5}


def test_one_tier_takes_everything() -> None:
    splits = splits_of(make_config("a"))

    assert [one.shares for one in splits] == [{"a": 1.0}]
    assert warn_of_splits(splits, COMPLEXITIES) == []


@pytest.mark.parametrize(("threshold", "warned"), [(0.1, True), (0.6, False), (5.0, False), (9.0, False), (9.8, True)])
def test_a_threshold_that_decides_little_is_warned_of(threshold: float, warned: bool) -> None:  # noqa: FBT001 - a parameter
    config = make_config("a", "b", rest=f"routing: {{max_complexity: {{a: {threshold}}}}}\n")

    warnings = warnings_of(config)

    assert [(warning.path, warning.value) for warning in warnings] == (
        [("routing.max_complexity.a", threshold)] if warned else []
    )


def test_a_tier_that_gets_nothing_is_named_with_the_threshold_below_it() -> None:
    config = make_config("a", "b", "c", rest="routing: {max_complexity: {a: 5, b: 9.9}}\n")

    warnings = warnings_of(config)

    assert [warning.path for warning in warnings] == ["routing.max_complexity.b"]
    assert "1.0% of the 101 reference prompts to 'c'" in warnings[0].remedy


def test_a_profile_with_thresholds_is_split_too() -> None:
    rest = "profiles: {p: {max_complexity: {a: 0.1}}, q: {mode: route}}\naliases: {x: {profile: p}, y: {profile: q}}\n"
    config = make_config("a", "b", rest=rest)

    splits = splits_of(config)

    assert [one.profile for one in splits] == [None, "p"]
    assert [warning.path for warning in warn_of_splits(splits, COMPLEXITIES)] == ["profiles.p.max_complexity.a"]


def test_the_reference_set_is_scored_whole() -> None:
    complexities = score_reference(Length())

    assert len(complexities) == len(REFERENCE_TURNS)
    assert all(0 <= complexity <= 10 for complexity in complexities)
