"""A bundle in memory, and the bounds of one on disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suffice.errors import BundleError
from suffice.estimators.bundle.manifest import ArrayEntry, Manifest

MANIFEST_KEY = "suffice.manifest"
"""Under which the file's header holds the manifest."""

CHECKSUM_KEY = "suffice.sha256"
"""Under which the file's header holds the SHA-256 of the manifest."""

MAX_FILE_BYTES = 256 << 20
MAX_HEADER_BYTES = 1 << 20
MAX_ARRAYS = 256

LENGTH_BYTES = 8
"""Of the little-endian number with which a safetensors file begins: the length of its header."""

DTYPES = ("float16", "float32", "float64", "uint8", "int32", "uint32", "int64")

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A model's arrays with what is said of them; whole and checked."""

    id: str
    """Twelve hexadecimal digits of the manifest's SHA-256; with the arrays' checksums in it, of all the content."""
    manifest: Manifest
    arrays: Arrays


def identify(manifest: bytes) -> str:
    """The id of the bundle with this manifest."""
    return sha256(manifest).hexdigest()[:12]


def describe(array: NDArray[np.generic]) -> ArrayEntry:
    """The entry of an array in the manifest."""
    digest = sha256(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return ArrayEntry(dtype=array.dtype.name, shape=array.shape, sha256=digest.hexdigest())


def find_fault(array: NDArray[np.generic]) -> str | None:
    """What keeps an array out of a bundle; None: nothing."""
    if array.dtype.name not in DTYPES:
        return f"has dtype {array.dtype}, which is none of {', '.join(DTYPES)}"
    if np.issubdtype(array.dtype, np.floating) and not bool(np.isfinite(array).all()):
        return "holds NaN or infinity"
    return None


def refuse(path: Path, what: str, way_out: str) -> BundleError:
    """The error for a bundle that cannot be used."""
    return BundleError(f"bundle {str(path)!r}: {what}; {way_out}")
