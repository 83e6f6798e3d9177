"""Reading a bundle: nothing of it is used before all of it is checked."""

from hashlib import sha256
from pathlib import Path

import msgspec
import safetensors.numpy
from safetensors import SafetensorError

from suffice.estimators.bundle.bundle import (
    CHECKSUM_KEY,
    LENGTH_BYTES,
    MANIFEST_KEY,
    MAX_ARRAYS,
    MAX_FILE_BYTES,
    MAX_HEADER_BYTES,
    Arrays,
    Bundle,
    describe,
    find_fault,
    identify,
    refuse,
)
from suffice.estimators.bundle.manifest import ArrayEntry, Manifest, decode

_COPY = "copy the file again, or train a new bundle"
_OTHER = "name a file that `suffice train` wrote"

# ValueError covers what a field refuses and bytes that are no UTF-8; RecursionError, lists in lists without end.
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class _Header(msgspec.Struct):
    """The part of a safetensors header that is ours."""

    metadata: dict[str, str] = msgspec.field(name="__metadata__", default_factory=dict[str, str])


def load(path: Path) -> Bundle:
    """Read a bundle and check its size, checksums, shapes, dtypes and numbers.

    Raises:
        BundleError: The file cannot be read, is cut, altered, too large, too new, or no bundle.
    """
    raw = _read(path)
    metadata = _read_metadata(path, raw)
    encoded = metadata[MANIFEST_KEY].encode()
    if sha256(encoded).hexdigest() != metadata.get(CHECKSUM_KEY):
        raise refuse(path, "its manifest was altered: the checksum differs", _COPY)
    try:
        manifest = decode(encoded)
    except _UNREADABLE as error:
        raise refuse(path, f"its manifest cannot be used: {error}", _OTHER) from error
    return Bundle(id=identify(encoded), manifest=manifest, arrays=_read_arrays(path, raw, manifest))


def _read(path: Path) -> bytes:
    """The whole file at once, so that one that is replaced meanwhile cannot be half old and half new."""
    try:
        if path.is_dir():
            raise refuse(path, "is a folder; a bundle is one file", _OTHER)
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise refuse(path, f"cannot be read: {error.strerror}", "check the path and its permissions") from error
    if len(raw) > MAX_FILE_BYTES:
        raise refuse(path, f"is larger than {MAX_FILE_BYTES >> 20} MB", _OTHER)
    if not raw:
        raise refuse(path, "is empty", _COPY)
    return raw


def _read_metadata(path: Path, raw: bytes) -> dict[str, str]:
    length = int.from_bytes(raw[:LENGTH_BYTES], "little")
    if length > MAX_HEADER_BYTES or raw[LENGTH_BYTES : LENGTH_BYTES + 1] != b"{":
        raise refuse(path, "is no bundle: it does not begin as a safetensors file", _OTHER)
    if len(raw) < LENGTH_BYTES + length:
        raise refuse(path, f"is cut off in its header, after {len(raw)} bytes", _COPY)
    try:
        metadata = msgspec.json.decode(raw[LENGTH_BYTES : LENGTH_BYTES + length], type=_Header).metadata
    except _UNREADABLE as error:
        raise refuse(path, f"its header cannot be read: {error}", _COPY) from error
    if MANIFEST_KEY not in metadata:
        raise refuse(path, "is a safetensors file without a manifest of suffice", _OTHER)
    return metadata


def _read_arrays(path: Path, raw: bytes, manifest: Manifest) -> Arrays:
    if len(manifest.arrays) > MAX_ARRAYS:
        raise refuse(path, f"has {len(manifest.arrays)} arrays, {MAX_ARRAYS} at most", _OTHER)
    try:
        arrays = safetensors.numpy.load(raw)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise refuse(path, f"its arrays cannot be read: {error}", _COPY) from error
    if arrays.keys() != manifest.arrays.keys():
        differing = sorted(arrays.keys() ^ manifest.arrays.keys())
        raise refuse(path, f"its arrays are not those of its manifest: {', '.join(differing)}", _COPY)
    for name, array in arrays.items():
        fault = _differing(describe(array), manifest.arrays[name]) or find_fault(array)
        if fault:
            raise refuse(path, f"its array {name!r} {fault}", _COPY)
        array.flags.writeable = False
    return arrays


def _differing(found: ArrayEntry, stated: ArrayEntry) -> str | None:
    if (found.dtype, found.shape) != (stated.dtype, stated.shape):
        return f"is {found.dtype} {found.shape}, but its manifest says {stated.dtype} {stated.shape}"
    return None if found.sha256 == stated.sha256 else "was altered: the checksum differs"
