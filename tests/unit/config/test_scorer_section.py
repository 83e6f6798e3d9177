import pytest
from config_texts import THREE_TIERS, TWO_TIERS, load_text, mistakes_in, only_mistake


def test_a_bundle_needs_the_kind_that_reads_it() -> None:
    mistake = only_mistake(f"{TWO_TIERS}scorer: {{kind: length, bundle: mine.bundle}}\n")

    assert (mistake.path, mistake.value) == ("scorer.bundle", "mine.bundle")
    assert "is for `kind: learned`, and kind is length" in mistake.remedy


def test_what_only_exemplars_read_is_warned_of_beside_another_kind() -> None:
    loaded = load_text(f"{TWO_TIERS}scorer: {{kind: learned, form: report, simple: [hi]}}\n")

    assert [warning.path for warning in loaded.warnings] == ["scorer.form", "scorer.simple"]
    assert "kind is learned: it does nothing" in loaded.warnings[0].remedy


def test_a_broken_kind_is_all_that_is_told_of_a_section() -> None:
    assert only_mistake(f"{TWO_TIERS}scorer: {{kind: magic, bundle: b, form: report}}\n").path == "scorer.kind"


@pytest.mark.parametrize("name", ["''", "' '", '"a\\0b"'])
def test_a_bundle_has_a_name(name: str) -> None:
    mistake = only_mistake(f"{TWO_TIERS}scorer: {{kind: learned, bundle: {name}}}\n")

    assert (mistake.path, "names no file" in mistake.remedy) == ("scorer.bundle", True)


def test_a_model_is_named_for_a_tier_that_there_is() -> None:
    mistake = only_mistake(f"{TWO_TIERS}scorer: {{kind: learned, models: {{smol: tiny}}}}\n")

    assert mistake.path == "scorer.models.smol"
    assert "did you mean 'small'?" in mistake.remedy


@pytest.mark.parametrize(
    ("models", "path"),
    [
        ("{small: tiny, large: tiny}", "scorer.models.large"),
        ("{large: llama-8b}", "scorer.models.large"),
        ("{small: llama-70b}", "scorer.models.small"),
    ],
)
def test_one_model_of_a_bundle_cannot_be_two_tiers(models: str, path: str) -> None:
    mistake = only_mistake(f"{TWO_TIERS}scorer: {{kind: learned, models: {models}}}\n")

    assert (mistake.path, "one tier's" in mistake.remedy) == (path, True)


def test_tiers_that_share_a_model_are_told_of_once() -> None:
    text = TWO_TIERS.replace("llama-70b", "llama-8b")

    assert [mistake.path for mistake in mistakes_in(f"{text}scorer: {{kind: learned}}\n")] == ["tiers[1].model"]


def test_the_first_threshold_may_be_left_to_the_bundle_and_the_others_may_not() -> None:
    assert only_mistake(f"{THREE_TIERS}scorer: {{kind: learned}}\n").path == "routing.max_complexity.large"
    assert load_text(f"{THREE_TIERS}scorer: {{kind: learned}}\nrouting: {{max_complexity: {{large: 3}}}}\n")


def test_the_time_between_looks_is_bounded() -> None:
    assert only_mistake(f"{TWO_TIERS}scorer: {{kind: learned, reload_s: -1}}\n").path == "scorer.reload_s"
