from dataclasses import replace
from pathlib import Path

import pytest
from config_texts import THREE_TIERS, TWO_TIERS, load_text

from suffice.config import Loaded, Yardstick, build_yardstick, observe_only, watched_bundle
from suffice.errors import ConfigError, Mistake
from suffice.scoring import learned
from suffice.scoring.learned import Learned
from suffice.testing.bundles import write_random_bundle
from suffice.vocabulary import Turn

LEARNED = "scorer: {kind: learned, bundle: b}\n"
MODELS = ("llama-8b", "llama-70b")
CALIBRATED = {"quality": 1.0, "balanced": 3.0, "cheap": 5.0}


def load_beside(folder: Path, text: str) -> Loaded:
    return replace(load_text(text), folder=folder)


def build_beside(folder: Path, text: str) -> Yardstick:
    return build_yardstick(load_beside(folder, text))


def mistakes_beside(folder: Path, text: str) -> list[Mistake]:
    with pytest.raises(ConfigError) as caught:
        build_beside(folder, text)
    return list(caught.value.mistakes)


def test_without_a_bundle_all_is_as_the_file_says() -> None:
    loaded = load_text(f"{TWO_TIERS}scorer: {{kind: length}}\n")

    yardstick = build_yardstick(loaded)

    assert (yardstick.thresholds, yardstick.learned, yardstick.warnings) == ({None: {"small": 4.0}}, None, ())
    assert yardstick.named == {"cheap": 6.0, "balanced": None, "quality": 2.0}
    assert watched_bundle(loaded) is None


def test_the_bundles_thresholds_hold_where_the_file_names_none(tmp_path: Path) -> None:
    write_random_bundle(tmp_path / "b", models=MODELS, thresholds=CALIBRATED)

    yardstick = build_beside(tmp_path, TWO_TIERS + LEARNED)

    assert yardstick.thresholds == {None: {"small": 3.0}}
    assert yardstick.named == {"cheap": 5.0, "balanced": None, "quality": 1.0}
    assert yardstick.warnings == ()


def test_a_bundle_that_was_not_calibrated_changes_no_threshold(tmp_path: Path) -> None:
    write_random_bundle(tmp_path / "b", models=MODELS)

    yardstick = build_beside(tmp_path, TWO_TIERS + LEARNED)

    assert yardstick.thresholds == {None: {"small": 4.0}}
    assert yardstick.named == {"cheap": 6.0, "balanced": None, "quality": 2.0}


def test_a_threshold_in_the_file_wins_with_a_warning(tmp_path: Path) -> None:
    bundle = write_random_bundle(tmp_path / "b", models=MODELS, thresholds=CALIBRATED)
    rest = (
        "routing: {max_complexity: {small: 7}}\nprofiles: {p: {max_complexity: {small: 2}}, q: {}}\n"
        "aliases: {a: {profile: p}, b: {profile: q}}\n"
    )

    yardstick = build_beside(tmp_path, TWO_TIERS + LEARNED + rest)

    assert yardstick.thresholds == {None: {"small": 7.0}, "p": {"small": 2.0}, "q": {"small": 7.0}}
    assert [(warning.path, warning.value) for warning in yardstick.warnings] == [
        ("routing.max_complexity.small", 7.0),
        ("profiles.p.max_complexity.small", 2.0),
    ]
    assert f"wins over the 3 that bundle {bundle.id} was calibrated to" in yardstick.warnings[0].remedy


def test_one_tier_has_no_threshold_to_warn_of(tmp_path: Path) -> None:
    write_random_bundle(tmp_path / "b", models=("llama-8b",), thresholds=CALIBRATED)
    one = TWO_TIERS[: TWO_TIERS.index("  - name: large")]

    yardstick = build_beside(tmp_path, one + LEARNED)

    assert (yardstick.thresholds, yardstick.warnings) == ({None: {}}, ())


def test_a_bundles_threshold_above_the_next_tiers_is_a_mistake(tmp_path: Path) -> None:
    write_random_bundle(tmp_path / "b", models=MODELS, thresholds=CALIBRATED)
    rest = (
        "routing: {max_complexity: {large: 7}}\nprofiles: {p: {max_complexity: {large: 2}}, q: {}}\n"
        "aliases: {a: {profile: p}, b: {profile: q}}\n"
    )

    (mistake,) = mistakes_beside(tmp_path, THREE_TIERS + LEARNED + rest)

    assert (mistake.path, mistake.value) == ("profiles.p.max_complexity.large", 2.0)
    assert "is not above the 3 that holds for 'small' with this bundle" in mistake.remedy


@pytest.mark.parametrize("content", [None, b"", b"not a bundle at all", b"\x10\0\0\0\0\0\0\0{"])
def test_a_file_that_is_no_bundle_is_a_mistake_with_its_reason(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "b").write_bytes(content)

    (mistake,) = mistakes_beside(tmp_path, TWO_TIERS + LEARNED)

    assert (mistake.path, mistake.value) == ("scorer.bundle", "b")
    assert str(tmp_path / "b") in mistake.remedy


def test_where_the_shipped_bundle_is_missing_the_kind_is_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learned, "GENERIC_BUNDLE", tmp_path / "generic.bundle")

    (mistake,) = mistakes_beside(tmp_path, f"{TWO_TIERS}scorer: {{kind: learned}}\n")

    assert (mistake.path, mistake.value) == ("scorer.kind", "learned")


def test_the_shipped_bundle_is_taken_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "GENERIC_BUNDLE", tmp_path / "generic.bundle")
    bundle = write_random_bundle(tmp_path / "generic.bundle", models=("x", "y"), generic=True)

    yardstick = build_beside(Path("elsewhere"), f"{TWO_TIERS}scorer: {{kind: learned}}\n")

    assert yardstick.learned is not None
    assert (yardstick.learned.bundle_id, yardstick.learned.tiers) == (bundle.id, {})
    assert yardstick.scorer.score(Turn(text="why?", n_tokens=2)).p_ok == {}


def test_tiers_are_the_bundles_models_by_their_name_or_by_the_file(tmp_path: Path) -> None:
    write_random_bundle(tmp_path / "b", models=("tiny", "llama-70b"))

    yardstick = build_beside(tmp_path, f"{TWO_TIERS}scorer: {{kind: learned, bundle: b, models: {{small: tiny}}}}\n")

    assert yardstick.learned is not None
    assert yardstick.learned.tiers == {"tiny": "small", "llama-70b": "large"}
    assert yardstick.warnings == ()


def test_a_model_that_the_bundle_does_not_have_is_a_mistake(tmp_path: Path) -> None:
    write_random_bundle(tmp_path / "b", models=("tiny", "llama-70b"))

    (mistake,) = mistakes_beside(
        tmp_path, f"{TWO_TIERS}scorer: {{kind: learned, bundle: b, models: {{small: tinny}}}}\n"
    )

    assert (mistake.path, mistake.value) == ("scorer.models.small", "tinny")
    assert "did you mean 'tiny'?" in mistake.remedy


def test_a_bundle_of_other_models_is_warned_of(tmp_path: Path) -> None:
    write_random_bundle(tmp_path / "b", models=("tiny", "llama-70b"))

    (warning,) = build_beside(tmp_path, TWO_TIERS + LEARNED).warnings

    assert "was trained for tiny, llama-70b, not for the model of 'small'" in warning.remedy


def test_a_generic_bundle_of_other_models_is_what_one_expects(tmp_path: Path) -> None:
    write_random_bundle(tmp_path / "b", models=("tiny", "huge"), generic=True)

    assert build_beside(tmp_path, TWO_TIERS + LEARNED).warnings == ()


def test_tiers_in_another_order_than_the_bundles_models_are_a_mistake(tmp_path: Path) -> None:
    write_random_bundle(tmp_path / "b", models=MODELS[::-1])

    (mistake,) = mistakes_beside(tmp_path, TWO_TIERS + LEARNED)

    assert mistake.path == "scorer.bundle"
    assert "complexity would rise the wrong way" in mistake.remedy


def test_routing_by_a_generic_bundle_is_a_mistake_wherever_it_is_said(tmp_path: Path) -> None:
    write_random_bundle(tmp_path / "b", models=MODELS, generic=True)
    rest = (
        "routing: {mode: canary}\nprofiles: {p: {mode: route}, q: {mode: observe}, r: {}}\n"
        "aliases: {a: {profile: p}, b: {profile: q}, c: {profile: r}}\n"
    )

    mistakes = mistakes_beside(tmp_path, TWO_TIERS + LEARNED + rest)

    assert [(mistake.path, mistake.value) for mistake in mistakes] == [
        ("routing.mode", "canary"),
        ("profiles.p.mode", "route"),
    ]
    assert all("`accept_generic_bundle: true`" in mistake.remedy for mistake in mistakes)


@pytest.mark.parametrize(
    ("routing", "generic", "is_held"),
    [
        ("{mode: observe}", True, True),
        ("{mode: route, accept_generic_bundle: true}", True, False),
        ("{mode: route}", False, False),
    ],
)
def test_observing_or_accepting_makes_a_generic_bundle_fit(
    tmp_path: Path,
    routing: str,
    generic: bool,  # noqa: FBT001 - a parameter
    is_held: bool,  # noqa: FBT001 - a parameter
) -> None:
    write_random_bundle(tmp_path / "b", models=MODELS, generic=generic)
    loaded = load_beside(tmp_path, f"{TWO_TIERS}{LEARNED}routing: {routing}\n")

    scorer = build_yardstick(loaded).scorer

    assert isinstance(scorer, Learned)
    assert bool(observe_only(loaded.config, scorer)) == is_held
    assert watched_bundle(loaded) == tmp_path / "b"
