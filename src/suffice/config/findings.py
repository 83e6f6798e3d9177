"""What is wrong with a file, collected from every check; what might be a secret is masked on its way in."""

import re

from suffice.config.document import Document, Path, Value, render_path
from suffice.errors import Mistake

MASK = "…masked…"
ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_SECRET_NAME = re.compile(r"(?:.*[_-])?(?:key|hash|secret|password|passwd|token|authorization|bearer)", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"(?:sk|hf|gsk|xai|ghp)[-_]\S{8,}|bearer\s+\S+|https?://[^/@\s]*@\S*", re.IGNORECASE)


class Findings:
    """Mistakes and warnings, in the order they were found."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.mistakes: list[Mistake] = []
        self.warnings: list[Mistake] = []
        self._broken: set[Path] = set()
        for slip in document.slips:
            value = mask(document.value(slip.path), slip.path) if slip.path else None
            self.mistakes.append(Mistake(render_path(slip.path), value, slip.remedy, slip.line))
            if slip.unusable:
                self._broken.add(slip.path)

    def add_broken(self, path: Path, remedy: str) -> None:
        """Add a mistake at a value that cannot be used; nothing more is said of it, or of what is in it."""
        if not self.is_broken(path):
            self.mistakes.append(self._describe(path, remedy))
            self._broken.add(path)

    def skip(self, path: Path) -> None:
        """Say nothing of `path`: another mistake already explains what is wrong there."""
        self._broken.add(path)

    def add(self, path: Path, remedy: str) -> None:
        """Add a mistake, unless the value was found to be unusable before."""
        if not self.is_broken(path):
            self.mistakes.append(self._describe(path, remedy))

    def warn(self, path: Path, remedy: str) -> None:
        """Add a warning, unless the value was found to be unusable before."""
        if not self.is_broken(path):
            self.warnings.append(self._describe(path, remedy))

    def is_broken(self, path: Path) -> bool:
        """Whether the value, or what encloses it, cannot be used."""
        return any(path[:end] in self._broken for end in range(1, len(path) + 1))

    def _describe(self, path: Path, remedy: str) -> Mistake:
        document = self.document
        return Mistake(render_path(path), mask(document.value(path), path), remedy, document.line(path))


def mask(value: Value, path: Path) -> Value:
    """The value as it may be shown: texts that are, or are called like, secrets are not."""
    if isinstance(value, dict):
        return {key: mask(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [mask(item, path) for item in value]
    if not isinstance(value, str):
        return value
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    is_misplaced_key = name == "api_key_env" and not ENVIRONMENT_NAME.fullmatch(value)
    if is_misplaced_key or _SECRET_NAME.fullmatch(name) or _SECRET_TEXT.search(value):
        return MASK
    return value
