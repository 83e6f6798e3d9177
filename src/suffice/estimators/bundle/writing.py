"""Writing a bundle: all of it appears at once, or nothing."""

import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
import numpy as np
import safetensors.numpy

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
from suffice.estimators.bundle.manifest import Manifest, encode

_TRAIN = "this is a fault of the training, which should be reported"


def save(path: Path, manifest: Manifest, arrays: Arrays) -> Bundle:
    """Write a bundle beside its place and move it there, so that a reader sees the old one or the new one.

    Args:
        path: The file; its folder exists. A bundle that is there is replaced.
        manifest: Its `arrays` are filled in here.
        arrays: By name; one of 256 MB in all at most.

    Returns:
        The bundle as `load` reads it.

    Raises:
        BundleError: An array holds NaN or infinity or has another dtype than a bundle may, the bundle would be larger
            than may be read, or the file cannot be written.
        ValueError: An array's name is none.
    """
    for name, array in arrays.items():
        fault = find_fault(array)
        if fault:
            raise refuse(path, f"the array {name!r} {fault}", _TRAIN)
    whole = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
    complete = replace(manifest, arrays={name: describe(array) for name, array in whole.items()})
    encoded = encode(complete)
    metadata = {MANIFEST_KEY: encoded.decode(), CHECKSUM_KEY: sha256(encoded).hexdigest()}
    raw = _order_header(safetensors.numpy.save(whole, metadata=metadata))
    n_header_bytes = len(raw) - sum(array.nbytes for array in whole.values())
    if len(raw) > MAX_FILE_BYTES or n_header_bytes > MAX_HEADER_BYTES or len(whole) > MAX_ARRAYS:
        raise refuse(path, f"it would have {len(raw)} bytes, more than can be read again", "train a smaller model")
    replace_file(path, raw)
    return Bundle(id=identify(encoded), manifest=complete, arrays=whole)


def _order_header(raw: bytes) -> bytes:
    """The same file with its header sorted; the library writes metadata in any order, so that equal bundles differ."""
    n_bytes = int.from_bytes(raw[:LENGTH_BYTES], "little")
    start = LENGTH_BYTES + n_bytes
    header = msgspec.json.encode(msgspec.json.decode(raw[LENGTH_BYTES:start]), order="sorted")
    header += b" " * (-len(header) % LENGTH_BYTES)
    return len(header).to_bytes(LENGTH_BYTES, "little") + header + raw[start:]


def replace_file(path: Path, raw: bytes) -> None:
    """Write a file beside its place and move it there.

    Raises:
        BundleError: It cannot be written.
    """
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
                # A temporary file is its owner's alone; a bundle is no secret, and another account may serve it.
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise refuse(path, f"cannot be written: {error.strerror}", "check the path and its permissions") from error
