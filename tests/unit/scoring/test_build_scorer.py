import sys
from pathlib import Path

import pytest

from suffice.errors import BundleError, ConfigError
from suffice.scoring import Exemplars, Learned, Length, build, bundle_path
from suffice.scoring.config import DEFAULT_KIND, ScorerConfig
from suffice.scoring.learned import GENERIC_BUNDLE
from suffice.testing.bundles import write_random_bundle
from suffice.vocabulary import TierName, Turn

SMALL, LARGE = TierName("small"), TierName("large")


def test_length_is_built_by_its_name() -> None:
    assert isinstance(build(ScorerConfig(kind="length")), Length)


def test_the_kind_of_a_file_without_one_is_a_constant() -> None:
    assert ScorerConfig().kind == DEFAULT_KIND


def test_exemplars_are_on_hashes_by_default() -> None:
    scorer = build(ScorerConfig(kind="exemplars"))

    assert isinstance(scorer, Exemplars)
    assert scorer.version.startswith("exemplars-rescaled-hashed-")


def test_equal_settings_give_equal_versions() -> None:
    assert build(ScorerConfig(kind="exemplars")).version == build(ScorerConfig(kind="exemplars")).version


def test_minilm_without_its_packages_is_a_mistake_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.raises(ConfigError, match=r"suffice\[encoder\]"):
        build(ScorerConfig(kind="exemplars", encoder="minilm"))


@pytest.mark.encoder
def test_minilm_is_built_from_the_packages() -> None:
    scorer = build(ScorerConfig(kind="exemplars", encoder="minilm", form="report"))

    assert scorer.version.startswith("exemplars-report-minilm-")


def test_a_relative_bundle_lies_beside_the_file_that_names_it(tmp_path: Path) -> None:
    bundle = write_random_bundle(tmp_path / "mine.bundle", models=("tiny", "huge"))

    scorer = build(
        ScorerConfig(kind="learned", bundle="mine.bundle"), folder=tmp_path, models={SMALL: "tiny", LARGE: "giant"}
    )

    assert isinstance(scorer, Learned)
    assert (scorer.bundle_id, list(scorer.manifest.models), scorer.tiers) == (
        bundle.id,
        ["tiny", "huge"],
        {"tiny": SMALL},
    )
    assert list(scorer.score(Turn(text="why?", n_tokens=2)).p_ok) == [SMALL]


@pytest.mark.parametrize(
    ("stated", "path"),
    [(None, GENERIC_BUNDLE), ("b", Path("/etc/b")), ("/srv/b", Path("/srv/b")), ("~/b", Path.home() / "b")],
)
def test_a_bundle_lies_where_the_section_says(stated: str | None, path: Path) -> None:
    assert bundle_path(ScorerConfig(kind="learned", bundle=stated), Path("/etc")) == path


def test_a_bundle_that_is_not_there_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.bundle.*No such file.*check the path"):
        build(ScorerConfig(kind="learned", bundle="none.bundle"), folder=tmp_path)
