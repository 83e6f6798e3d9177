import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from suffice.errors import BundleError
from suffice.estimators import QuantileMap
from suffice.estimators.bundle import Bundle, Manifest, load, save
from suffice.estimators.calibrators import Isotonic, Platt
from suffice.estimators.lexical import KIND, Landmarks, Layout, Lexical, LexicalRouter, Trained, build
from suffice.estimators.lexical.shapes import N_MEASURES
from suffice.estimators.lexical.surface import SURFACE
from suffice.estimators.lexical.words import word_bucket

LAYOUT = Layout(word_bits=10, run_bits=10, pair_bits=10)


def make_trained() -> Trained:
    """A model that expects a gain from the word `prove`, and loses trust in the first model with every other word."""
    weights = np.zeros((LAYOUT.n_columns, 3))
    weights[word_bucket(b"prove", LAYOUT), 0] = 0.5
    weights[LAYOUT.first_surface + SURFACE.index("words"), 1] = -0.25
    return Trained(
        layout=LAYOUT,
        weights=weights,
        intercepts=np.array([0.125, 0.5, 0.75]),
        reference=np.linspace(1.0, 0.0, 11),
        typical=np.zeros(len(SURFACE)),
        calibrators=[Platt(4.0, 0.0), Isotonic(np.array([0.0, 1.0]), np.array([0.4, 0.8]))],
        vocabulary=[b"prove", b"it"],
    )


def make_bundle(path: Path, trained: Trained) -> Bundle:
    manifest = Manifest(kind=KIND, models=("tiny", "huge"), created="2026-11-23", parameters=trained.to_parameters())
    save(path / "b", manifest, trained.to_arrays())
    return load(path / "b")


def change(bundle: Bundle, **arrays: NDArray[np.generic] | None) -> Bundle:
    changed = {name.replace("calibrator_", "calibrator."): array for name, array in arrays.items()}
    kept = {name: array for name, array in {**bundle.arrays, **changed}.items() if array is not None}
    return dataclasses.replace(bundle, arrays=kept)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path, make_trained())


def test_a_gain_is_rated_by_its_place_among_the_reference(bundle: Bundle) -> None:
    router = build(bundle)

    assert router.rate("hello").complexity == pytest.approx(1.25)
    assert router.rate("prove").complexity == pytest.approx(6.25)
    assert router.rate("prove it").complexity == pytest.approx(10 * (0.125 + 0.5 / math.sqrt(2)))


def test_each_model_has_its_calibrated_probability(bundle: Bundle) -> None:
    p_tiny, p_huge = build(bundle).rate("hello").p_ok

    raw = 0.5 - 0.25 * math.log(2)
    assert p_tiny == pytest.approx(1 / (1 + math.exp(-4 * raw)))
    assert p_huge == pytest.approx(0.7)


def test_the_strongest_features_explain_the_gain(bundle: Bundle) -> None:
    first, second = build(bundle).explain("prove it", n_features=2)

    assert (first.feature, first.value) == ("prove", pytest.approx(0.5 / math.sqrt(2)))
    assert second.value == 0.0


def test_weights_are_kept_in_half_the_bytes(bundle: Bundle) -> None:
    assert bundle.arrays["weights"].dtype == np.float16


@pytest.mark.parametrize(
    "manifest",
    [{"kind": "boosted"}, {"parameters": {}}, {"parameters": {"lexical_version": 2}}],
    ids=["kind", "no-version", "newer"],
)
def test_another_kind_or_version_is_refused(bundle: Bundle, manifest: Mapping[str, object]) -> None:
    other = dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, **manifest))

    with pytest.raises(BundleError, match="this program knows 'lexical', version 1; train it again"):
        build(other)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"weights": None}, "no array 'weights'"),
        ({"weights": np.zeros((4, 3), dtype=np.float16)}, "need weights"),
        ({"weights": np.zeros((LAYOUT.n_columns, 2), dtype=np.float16), "intercepts": np.zeros(2)}, "need 3 outputs"),
        ({"weights": np.zeros((LAYOUT.n_columns, 3), dtype=np.uint8)}, "not one of floats"),
        ({"reference": np.zeros(0)}, "one finite reference value"),
        ({"reference": np.zeros(4_097)}, "reference has shape"),
        ({"reference": np.zeros((2, 2))}, "reference has shape"),
        ({"typical": np.zeros(3)}, "typical measures"),
        ({"vocabulary": None}, "no array 'vocabulary' of bytes"),
        ({"vocabulary": np.zeros(3)}, "no array 'vocabulary' of bytes"),
        ({"vocabulary": np.frombuffer(b"it it", dtype=np.uint8)}, "different words"),
        ({"calibrator_1": None}, "no array 'calibrator.1'"),
        ({"calibrator_1": np.array([-1.0, 0.0])}, "slope"),
    ],
    ids=[
        "no-weights",
        "few-columns",
        "few-outputs",
        "whole-numbers",
        "no-reference",
        "long-reference",
        "square-reference",
        "typical",
        "no-vocabulary",
        "no-bytes",
        "same-words",
        "no-calibrator",
        "falling",
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    bundle: Bundle, arrays: Mapping[str, NDArray[np.generic] | None], words: str
) -> None:
    with pytest.raises(BundleError, match=f"cannot be used: .*{words}"):
        build(change(bundle, **arrays))


def make_landmarks() -> Landmarks:
    """One that a text without words or marks is exactly like, and that adds a gain of 0.25."""
    nowhere = np.zeros(N_MEASURES, dtype=np.float32)
    weights = np.array([[0.25, 0.0, 0.0]], dtype=np.float32)
    return Landmarks(nowhere, np.full(N_MEASURES, 2.0, dtype=np.float32), nowhere[None], weights)


def test_landmarks_come_back_from_the_bundle(tmp_path: Path) -> None:
    router = build(make_bundle(tmp_path, dataclasses.replace(make_trained(), landmarks=make_landmarks())))

    assert router.rate("").complexity == pytest.approx(3.75)
    assert router.rate("hello").complexity < 1.3


def test_a_part_of_landmarks_is_refused(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, dataclasses.replace(make_trained(), landmarks=make_landmarks()))
    kept = {name: array for name, array in bundle.arrays.items() if name != "landmarks.scale"}

    with pytest.raises(BundleError, match=r"no array 'landmarks\.scale'"):
        build(dataclasses.replace(bundle, arrays=kept))


def test_a_layout_that_is_missing_is_refused(bundle: Bundle) -> None:
    manifest = dataclasses.replace(bundle.manifest, parameters={"lexical_version": 1})

    with pytest.raises(BundleError, match="word_bits"):
        build(dataclasses.replace(bundle, manifest=manifest))


def test_every_model_needs_a_calibrator() -> None:
    trained = make_trained()

    with pytest.raises(ValueError, match="2 models need 3 outputs and 2 calibrators"):
        LexicalRouter(
            models=("tiny", "huge"),
            lexical=Lexical(trained.weights, trained.intercepts, LAYOUT),
            to_complexity=QuantileMap([0.0, 1.0]),
            calibrators=trained.calibrators[:1],
            typical=trained.typical,
        )
