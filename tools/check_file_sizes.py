"""Refuse Python files that have grown over the house limit: such a file holds two concepts.

Usage: check_file_sizes.py PATH...
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

MAX_LINES = 400


def find_long_files(paths: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    """Yield each Python file over the limit, with its number of lines; folders are searched."""
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            n_lines = len(file.read_text(encoding="utf-8").splitlines())
            if n_lines > MAX_LINES:
                yield file, n_lines


def main(arguments: Sequence[str]) -> int:
    """Print what is too long; the exit code says whether anything was."""
    long_files = list(find_long_files([Path(argument) for argument in arguments]))
    for file, n_lines in long_files:
        print(f"{file}: {n_lines} lines, {MAX_LINES} at most: split it by noun")
    return 1 if long_files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
