import sys

import pytest

from suffice.errors import ConfigError
from suffice.scoring import Exemplars, Length, build
from suffice.scoring.config import ScorerConfig


def test_length_is_built_by_its_name() -> None:
    assert isinstance(build(ScorerConfig(kind="length")), Length)


def test_exemplars_on_hashes_are_the_default() -> None:
    scorer = build(ScorerConfig())

    assert isinstance(scorer, Exemplars)
    assert scorer.version.startswith("exemplars-rescaled-hashed-")


def test_equal_settings_give_equal_versions() -> None:
    assert build(ScorerConfig()).version == build(ScorerConfig()).version


def test_minilm_without_its_packages_is_a_mistake_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.raises(ConfigError, match=r"suffice\[encoder\]"):
        build(ScorerConfig(encoder="minilm"))


@pytest.mark.encoder
def test_minilm_is_built_from_the_packages() -> None:
    scorer = build(ScorerConfig(encoder="minilm", form="report"))

    assert scorer.version.startswith("exemplars-report-minilm-")
