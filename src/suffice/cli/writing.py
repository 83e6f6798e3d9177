"""Files that commands write: whole, or not there."""

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from suffice.errors import DatasetError


def check_target(option: str, target: Path | None, read: Iterable[Path | None]) -> None:
    """See that what is written does not take the place of what is read.

    Args:
        option: That names the target, such as `--out`.
        target: What will be written, if anything.
        read: Files that the command reads; None: not given.

    Raises:
        DatasetError: It is one of them.
    """
    if target is not None and any(path is not None and path.resolve() == target.resolve() for path in read):
        raise DatasetError(f"{option} {str(target)!r} is a file that is read; name another one")


@contextmanager
def open_whole(path: Path) -> Generator[TextIO]:
    """A text file that appears at its place when all of it is written.

    Raises:
        DatasetError: It cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with unfinished.open("w", encoding="utf-8") as file:
                yield file
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise DatasetError(f"{path} cannot be written: {error.strerror}; check the path and its permissions") from error


def write_whole(path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        DatasetError: It cannot be written.
    """
    with open_whole(path) as file:
        file.write(text)
