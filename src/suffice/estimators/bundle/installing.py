"""Putting a bundle in the place of another one, and taking it back; whoever reads sees one of both, whole."""

from pathlib import Path

from suffice.estimators.bundle.bundle import Bundle, refuse
from suffice.estimators.bundle.reading import load
from suffice.estimators.bundle.writing import replace_file


def previous_of(target: Path) -> Path:
    """Where the bundle that was replaced is kept."""
    return target.with_name(f"{target.name}.previous")


def install(source: Path, target: Path) -> Bundle:
    """Put a bundle where one is read from; what is there is kept beside it.

    Args:
        source: The bundle's file.
        target: Where it goes, byte for byte. Its folder exists.

    Raises:
        BundleError: The source is no bundle that can be used, or a file cannot be written.
    """
    load(source)
    raw = _read(source)
    if target.exists():
        replace_file(previous_of(target), _read(target))
    replace_file(target, raw)
    return load(target)


def restore(target: Path) -> Bundle:
    """Take back the last installation; what it had put there is kept, so that this can be taken back too.

    Raises:
        BundleError: Nothing was kept, it cannot be used, or a file cannot be written.
    """
    previous = previous_of(target)
    if not previous.exists():
        raise refuse(previous, "is not there, so there is nothing to go back to", "promote another bundle")
    load(previous)
    kept, taken_back = _read(previous), _read(target) if target.exists() else None
    replace_file(target, kept)
    if taken_back is None:
        previous.unlink()
    else:
        replace_file(previous, taken_back)
    return load(target)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise refuse(path, f"cannot be read: {error.strerror}", "check the path and its permissions") from error
