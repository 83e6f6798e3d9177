import pytest

from suffice.errors import RequestError, UnknownModelError
from suffice.policy.config import AliasConfig
from suffice.policy.selection import NAMED_THRESHOLDS, Catalogue, Selection, named_thresholds
from suffice.vocabulary import Tier, TierName

SMALL, LARGE = TierName("small"), TierName("large")
TIERS = (Tier(name=SMALL, model="llama-8b"), Tier(name=LARGE, model="large"))
CATALOGUE = Catalogue(
    TIERS,
    {
        "gpt-4o": AliasConfig(profile="support"),
        "my-lora": AliasConfig(tier="small", model="adapter-7"),
        "llama-8b": AliasConfig(tier="large"),
    },
)


@pytest.mark.parametrize(
    ("model", "selection"),
    [
        ("auto", Selection()),
        ("auto:balanced", Selection()),
        ("auto:cheap", Selection(first_threshold=6.0)),
        ("auto:quality", Selection(first_threshold=2.0)),
        ("auto@6.5", Selection(first_threshold=6.5)),
        ("auto@0", Selection(first_threshold=0.0)),
        ("auto@10", Selection(first_threshold=10.0)),
        ("small", Selection(tier=SMALL)),
        ("large", Selection(tier=LARGE)),
        ("gpt-4o", Selection(profile="support")),
        ("my-lora", Selection(tier=SMALL, model="adapter-7")),
    ],
)
def test_every_name_means_one_thing(model: str, selection: Selection) -> None:
    assert CATALOGUE.select(model) == selection


@pytest.mark.parametrize(
    ("calibrated", "named"),
    [
        ({}, NAMED_THRESHOLDS),
        (
            {"quality": 1.0, "balanced": 3.0, "cheap": 5.0},
            {"cheap": 5.0, "balanced": None, "quality": 1.0},
        ),
        ({"balanced": 7.5}, {"cheap": 7.5, "balanced": None, "quality": 2.0}),
        ({"cheap": 1.5}, {"cheap": 1.5, "balanced": None, "quality": 1.5}),
    ],
)
def test_a_bundle_says_what_the_names_mean_and_their_order_holds(
    calibrated: dict[str, float], named: dict[str, float | None]
) -> None:
    assert named_thresholds(calibrated) == named


def test_a_catalogue_goes_by_the_names_of_its_bundle() -> None:
    catalogue = Catalogue(TIERS, named={"cheap": 9.0, "balanced": None, "quality": 0.5})

    assert catalogue.select("auto:cheap") == Selection(first_threshold=9.0)
    assert catalogue.select("auto:balanced") == Selection()


def test_a_tiers_model_names_the_tier() -> None:
    assert Catalogue(TIERS).select("llama-8b") == Selection(tier=SMALL)


def test_an_alias_comes_before_a_tiers_model() -> None:
    assert CATALOGUE.select("llama-8b") == Selection(tier=LARGE)


@pytest.mark.parametrize("model", ["auto@", "auto@x", "auto@-1", "auto@10.1", "auto@nan", "auto@inf", "auto@4@5"])
def test_a_threshold_that_is_no_complexity_is_refused(model: str) -> None:
    with pytest.raises(RequestError, match="a complexity from 0 to 10") as caught:
        CATALOGUE.select(model)

    assert caught.value.param == "model"


@pytest.mark.parametrize("model", ["gpt-9", "", "Auto", "auto:", "auto:fast", "autopilot", "cheap", "small "])
def test_any_other_name_is_answered_with_the_known_ones(model: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        CATALOGUE.select(model)

    for name in (*CATALOGUE.names, "auto@X"):
        assert name in str(caught.value)


def test_a_long_name_is_not_repeated_in_full() -> None:
    with pytest.raises(UnknownModelError) as caught:
        CATALOGUE.select("x" * 100_000)

    assert len(str(caught.value)) < 1_000


def test_names_are_listed_once_with_auto_first() -> None:
    assert CATALOGUE.names == [
        "auto",
        "auto:cheap",
        "auto:balanced",
        "auto:quality",
        "small",
        "llama-8b",
        "large",
        "gpt-4o",
        "my-lora",
    ]


def test_a_header_names_a_tier_by_its_name_alone() -> None:
    assert CATALOGUE.tier_named("large", param="x-suffice-min-tier") == LARGE

    with pytest.raises(
        RequestError, match="x-suffice-min-tier: 'gpt-4o' is no tier; use one of small, large"
    ) as caught:
        CATALOGUE.tier_named("gpt-4o", param="x-suffice-min-tier")

    assert caught.value.param == "x-suffice-min-tier"
