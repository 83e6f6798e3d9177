"""Other programs, each installed into a folder of its own under `build/bench`, as pinned under `requirements/`."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from plane.contestant import UnavailableError

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
INSTALLED = ROOT / "build" / "bench"
INSTALL_TIMEOUT_S = 900.0
NO_PATH = {"PYTHONPATH": ""}
"""They find what was installed with them, and nothing of this environment."""
_MARK = "installed.txt"


def install_python(name: str) -> Path:
    """Install `requirements/NAME.txt`; the folder of its programs.

    Raises:
        UnavailableError: It cannot be installed.
    """
    pinned = REQUIREMENTS / f"{name}.txt"
    folder = INSTALLED / name
    programs = folder / "bin"
    if not _is_installed(folder, pinned):
        _run(name, [sys.executable, "-m", "venv", "--clear", str(folder)])
        pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
        _run(name, [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(pinned)])
        _note_installed(folder, pinned)
    return programs


def install_npm(name: str) -> Path:
    """Install `requirements/NAME.json`; the folder of its modules.

    Raises:
        UnavailableError: It cannot be installed, or npm is missing.
    """
    pinned = REQUIREMENTS / f"{name}.json"
    folder = INSTALLED / name
    if not _is_installed(folder, pinned):
        npm = shutil.which("npm")
        if npm is None:
            raise UnavailableError("npm is not installed; apt-get install npm")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copyfile(pinned, folder / "package.json")
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error"]
        _run(name, [npm, "install", "--prefix", str(folder), *options])
        _note_installed(folder, pinned)
    return folder / "node_modules"


def pinned_version(name: str, package: str) -> str:
    """The version that `requirements/NAME.txt` pins a package to."""
    return parse_pinned((REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8"), package)


def parse_pinned(text: str, package: str) -> str:
    """The version after `package==` in a lock file."""
    line = next(line for line in text.splitlines() if line.startswith(f"{package}=="))
    return line.partition("==")[2].split()[0]


def _run(name: str, command: Sequence[str]) -> None:
    print(f"installing {name} ...", file=sys.stderr, flush=True)
    try:
        ended = subprocess.run(
            command,
            env={**os.environ, **NO_PATH},
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"cannot be installed: nothing within {INSTALL_TIMEOUT_S:g} s") from error
    if ended.returncode:
        lines = [line for line in ended.stderr.splitlines() if line.strip()]
        raise UnavailableError(f"cannot be installed: {lines[-1] if lines else 'it said nothing'}")


def _is_installed(folder: Path, pinned: Path) -> bool:
    mark = folder / _MARK
    return mark.exists() and mark.read_text(encoding="utf-8") == _digest(pinned)


def _note_installed(folder: Path, pinned: Path) -> None:
    (folder / _MARK).write_text(_digest(pinned), encoding="utf-8")


def _digest(pinned: Path) -> str:
    return hashlib.sha256(pinned.read_bytes()).hexdigest()
