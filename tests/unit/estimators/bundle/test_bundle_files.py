import dataclasses
import math
import os
import pickle
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suffice.errors import BundleError
from suffice.estimators.bundle import Manifest, TrainingSource, load, save
from suffice.estimators.bundle.bundle import CHECKSUM_KEY, MANIFEST_KEY

MANIFEST = Manifest(
    kind="lexical",
    models=("tiny", "huge"),
    created="2026-11-23",
    sources=[TrainingSource(name="own", sha256="a" * 64, n_queries=12, licence="own")],
    metrics={"apgr": 0.61},
    thresholds={"quality": 3.0, "balanced": 5.0, "cheap": 8.5},
    parameters={"word_bits": 4},
)
ARRAYS = {"weights": np.arange(6, dtype=np.float16).reshape(3, 2), "words": np.array([1, 255], dtype=np.uint8)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "router.bundle"
    save(file, MANIFEST, ARRAYS)
    return file


def rewrite(path: Path, *, manifest: dict[str, Any] | None = None, arrays: dict[str, Any] | None = None) -> None:
    """Write a bundle whose manifest says something else, with a checksum that is right."""
    stated = msgspec.json.decode(msgspec.json.encode(load(path).manifest)) | (manifest or {})
    encoded = msgspec.json.encode(stated)
    metadata = {MANIFEST_KEY: encoded.decode(), CHECKSUM_KEY: sha256(encoded).hexdigest()}
    path.write_bytes(safetensors.numpy.save(arrays or ARRAYS, metadata=metadata))


def test_what_is_saved_is_loaded(path: Path) -> None:
    bundle = load(path)

    assert {name: array.tolist() for name, array in bundle.arrays.items()} == {
        "weights": [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]],
        "words": [1, 255],
    }
    assert dataclasses.replace(bundle.manifest, arrays={}) == dataclasses.replace(
        MANIFEST, models=["tiny", "huge"], arrays={}
    )


def test_equal_bundles_are_equal_files(tmp_path: Path) -> None:
    for place in range(9):
        save(tmp_path / str(place), MANIFEST, ARRAYS)

    raw = {path.read_bytes() for path in tmp_path.iterdir()}

    assert len(raw) == 1
    assert safetensors.numpy.load(raw.pop()).keys() == ARRAYS.keys()


def test_saving_gives_the_bundle_that_loading_gives(tmp_path: Path) -> None:
    saved = save(tmp_path / "b", MANIFEST, ARRAYS)

    assert saved.id == load(tmp_path / "b").id
    assert saved.manifest.arrays == load(tmp_path / "b").manifest.arrays


def test_equal_content_has_an_equal_id_and_other_content_another(tmp_path: Path) -> None:
    other = {**ARRAYS, "words": np.array([1, 254], dtype=np.uint8)}

    ids = [save(tmp_path / name, MANIFEST, arrays).id for name, arrays in (("a", ARRAYS), ("b", ARRAYS), ("c", other))]

    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 12


def test_an_id_changes_with_the_thresholds(tmp_path: Path) -> None:
    recalibrated = dataclasses.replace(MANIFEST, thresholds={"balanced": 5.5})

    assert save(tmp_path / "a", MANIFEST, ARRAYS).id != save(tmp_path / "b", recalibrated, ARRAYS).id


def test_loaded_arrays_cannot_be_written_to(path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        load(path).arrays["words"][0] = 0


def test_any_safetensors_reader_can_read_the_arrays(path: Path) -> None:
    arrays = safetensors.numpy.load(path.read_bytes())

    assert sorted(arrays) == ["weights", "words"]


def test_a_bundle_replaces_another_and_leaves_nothing_beside_it(path: Path) -> None:
    save(path, dataclasses.replace(MANIFEST, generic=True), ARRAYS)

    assert load(path).manifest.generic
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_write_that_fails_keeps_the_old_bundle(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(BundleError, match="cannot be written: No space left"):
        save(path, dataclasses.replace(MANIFEST, generic=True), ARRAYS)

    assert not load(path).manifest.generic
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be written: No such file"):
        save(tmp_path / "no" / "b", MANIFEST, ARRAYS)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_none_are_not_saved(tmp_path: Path, value: float) -> None:
    with pytest.raises(BundleError, match="'weights' holds NaN or infinity"):
        save(tmp_path / "b", MANIFEST, {"weights": np.array([value])})

    assert not list(tmp_path.iterdir())


def test_objects_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="dtype object"):
        save(tmp_path / "b", MANIFEST, {"weights": np.array([print])})


def test_a_bundle_too_large_to_read_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suffice.estimators.bundle.writing.MAX_FILE_BYTES", 100)

    with pytest.raises(BundleError, match="more than can be read again"):
        save(tmp_path / "b", MANIFEST, ARRAYS)


def test_a_file_over_the_limit_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suffice.estimators.bundle.reading.MAX_FILE_BYTES", 100)

    with pytest.raises(BundleError, match="is larger than"):
        load(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"{}", "is no bundle"),
        (pickle.dumps({"weights": [1.0]}), "is no bundle"),
        (b"PK\x03\x04" + bytes(100), "is no bundle"),
        (b"\xff" * 64, "is no bundle"),
        ((1 << 19).to_bytes(8, "little") + b"{", "is cut off in its header"),
        ((2).to_bytes(8, "little") + b"{]", "its header cannot be read"),
        ((1 << 19).to_bytes(8, "little") + b'{"a":' + b"[" * (1 << 19), "its header cannot be read"),
        (safetensors.numpy.save({"weights": np.zeros(3)}), "without a manifest of suffice"),
    ],
    ids=["empty", "json", "pickle", "zip", "noise", "short", "no-json", "nested", "foreign"],
)
def test_what_is_no_bundle_is_refused_with_the_reason(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "b").write_bytes(content)

    with pytest.raises(BundleError, match=words):
        load(tmp_path / "b")


def test_a_file_that_is_not_there_is_said_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"gone'.*cannot be read: No such file.*check the path"):
        load(tmp_path / "gone")


def test_a_folder_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is a folder"):
        load(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_bundle_cut_anywhere_is_refused(path: Path, share: float) -> None:
    whole = path.read_bytes()
    cut = path.with_name("cut")
    cut.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(BundleError):
        load(cut)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_bundle_with_any_byte_altered_is_refused_or_means_the_same(path: Path, share: float, flip: int) -> None:
    altered = bytearray(path.read_bytes())
    altered[int(len(altered) * share)] ^= flip
    other = path.with_name("altered")
    other.write_bytes(bytes(altered))

    # White space in the header may change without changing what it says.
    try:
        found = load(other)
    except BundleError:
        return

    assert found.id == load(path).id


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"schema_version": 2, "suffice_version": "9.1"}, "schema version is 2 .*install suffice 9.1 or newer"),
        ({"schema_version": 0}, "schema version is 0 .*train it again"),
        ({"features_version": 999}, "features version is 999"),
        ({"kind": "Lexical!"}, "kind 'Lexical!'"),
        ({"models": []}, "models"),
        ({"models": ["a", "a"]}, "models"),
        ({"created": "yesterday"}, "yesterday"),
        ({"thresholds": {"cheap": 11.0}}, r"within \[0, 10\]"),
        ({"thresholds": {"cheap": 4.0, "quality": 5.0}}, "quality <= balanced <= cheap"),
        ({"thresholds": {"fast": 4.0}}, "'fast'"),
        ({"arrays": {"weights": {"dtype": "float16", "shape": [3, 2], "sha256": "0"}}}, "checksum"),
        ({"sources": [{"name": "x", "sha256": "b" * 64, "n_queries": 3, "licence": ""}]}, "licence"),
        ({"schema_version": "one"}, "schema_version"),
    ],
    ids=[
        "newer",
        "older",
        "other-features",
        "kind",
        "no-model",
        "one-model-twice",
        "no-date",
        "over-ten",
        "falling-thresholds",
        "unknown-threshold",
        "no-checksum",
        "no-licence",
        "no-number",
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(path: Path, stated: dict[str, Any], words: str) -> None:
    rewrite(path, manifest=stated)

    with pytest.raises(BundleError, match=f"its manifest cannot be used: .*{words}"):
        load(path)


def test_a_figure_that_could_not_be_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match=r"metrics\.apgr is nan"):
        dataclasses.replace(MANIFEST, metrics={"apgr": math.nan})


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"weights": ARRAYS["weights"]}, "not those of its manifest: words"),
        ({**ARRAYS, "words": np.array([1, 2], dtype=np.uint8)}, "'words' was altered"),
        ({**ARRAYS, "words": np.array([1, 255], dtype=np.uint32)}, r"'words' is uint32 \(2,\), but its manifest says"),
        ({**ARRAYS, "words": np.array([[1, 255]], dtype=np.uint8)}, r"'words' is uint8 \(1, 2\), but its manifest"),
    ],
    ids=["missing", "altered", "dtype", "shape"],
)
def test_arrays_that_are_not_those_of_the_manifest_are_refused(path: Path, arrays: dict[str, Any], words: str) -> None:
    rewrite(path, arrays=arrays)

    with pytest.raises(BundleError, match=words):
        load(path)


def test_numbers_that_are_none_are_refused_even_with_right_checksums(path: Path) -> None:
    bad = np.array([math.nan], dtype=np.float32)
    entry = {"dtype": "float32", "shape": [1], "sha256": sha256(bad.tobytes()).hexdigest()}
    rewrite(path, manifest={"arrays": {"weights": entry}}, arrays={"weights": bad})

    with pytest.raises(BundleError, match="holds NaN or infinity"):
        load(path)


def test_too_many_arrays_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suffice.estimators.bundle.reading.MAX_ARRAYS", 1)

    with pytest.raises(BundleError, match="has 2 arrays, 1 at most"):
        load(path)


def test_data_after_the_arrays_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")

    with pytest.raises(BundleError, match="its arrays cannot be read"):
        load(path)
