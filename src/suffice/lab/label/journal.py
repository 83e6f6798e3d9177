"""What was asked and what came of it, line by line as it happens: what was paid for is never paid for again."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from suffice.errors import DatasetError, LabelError
from suffice.vocabulary import Token

NAME = "journal.jsonl"
VERSION = 1


class Started(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag="run"):
    """The first line: which run this is."""

    version: int
    settings: dict[str, Any]
    """All that answers depend on; a run that differs in any cannot go on from here."""


class Answered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="answer"):
    """A tier's answer to a query."""

    query_id: str
    tier: str
    text: str
    finish_reason: str | None = None
    logprobs: tuple[Token, ...] | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None


class Compared(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="verdict"):
    """A judge's verdict on two answers, shown in one order."""

    query_id: str
    tier: str
    """Whose answer is compared with that of the top tier."""
    judge: str
    tier_first: bool
    """The tier's answer was shown as A."""
    better: Literal["first", "second", "tie"]
    cost_usd: float | None = None


class Failed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entry", tag="failure"):
    """A call that brought nothing; it is made again when the run goes on."""

    query_id: str
    tier: str
    reason: str
    judge: str | None = None
    """Who failed to compare; None: the tier failed to answer."""
    tier_first: bool | None = None
    cost_usd: float | None = None


Entry = Answered | Compared | Failed

_DECODER: msgspec.json.Decoder[Started | Entry] = msgspec.json.Decoder(Started | Entry)
_ENCODER = msgspec.json.Encoder()


class Journal:
    """The journal of one run in its folder, locked against a second process."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Begin a journal, or take up the one that is there.

        Raises:
            DatasetError: The journal is of another run, of another version, or damaged other than at its end.
            LabelError: Another process is at it, or the folder cannot be written to.
        """
        self.path = folder / NAME
        self.answers: dict[tuple[str, str], Answered] = {}
        """By query and tier."""
        self.verdicts: dict[tuple[str, str, str, bool], Compared] = {}
        """By judge, query, tier, and whether the tier came first."""
        self.spent_usd = 0.0
        """What is known to have been spent, failures included."""
        self._file = _open(self.path)
        try:
            self._take_up(Started(version=VERSION, settings=msgspec.to_builtins(settings)))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let go of its lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def append(self, entry: Entry) -> None:
        """Write an entry; it outlives the process from here on.

        Raises:
            LabelError: The disk is full, say.
        """
        self._write(entry)
        self._note(entry)

    def _write(self, entry: Started | Entry) -> None:
        line = _ENCODER.encode(entry) + b"\n"
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError as error:
            raise LabelError(f"{self.path} cannot be written: {error.strerror}; make room and run it again") from error

    def _note(self, entry: Entry) -> None:
        self.spent_usd += entry.cost_usd or 0.0
        match entry:
            case Answered():
                self.answers.setdefault((entry.query_id, entry.tier), entry)
            case Compared():
                self.verdicts.setdefault((entry.judge, entry.query_id, entry.tier, entry.tier_first), entry)
            case Failed():
                pass

    def _take_up(self, wanted: Started) -> None:
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        lines = whole.splitlines()
        # A process that was killed may have left half a line; a whole one that lacks its line break is as good as any.
        torn = content[len(whole) :]
        is_whole = bool(torn) and self._decode(torn) is not None
        if torn and not is_whole:
            os.ftruncate(self._file, len(whole))
        elif torn:
            os.write(self._file, b"\n")
            lines.append(torn)
        if len(lines) <= 1 and (not lines or isinstance(self._decode(lines[0]), Started)):
            # Nothing was answered yet: whatever the options were, nothing of them is lost.
            os.ftruncate(self._file, 0)
            self._write(wanted)
            return
        for number, line in enumerate(lines, 1):
            entry = self._decode(line)
            if number == 1:
                self._check_run(entry, wanted)
            elif entry is None or isinstance(entry, Started):
                excerpt = line[:60].decode(errors="replace")
                raise DatasetError(
                    f"{self.path}, line {number} is damaged ({excerpt!r}); remove this line, or {_WAY_OUT}"
                )
            else:
                self._note(entry)

    def _decode(self, line: bytes) -> Started | Entry | None:
        try:
            return _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def _check_run(self, found: Started | Entry | None, wanted: Started) -> None:
        if not isinstance(found, Started):
            raise DatasetError(f"{self.path} is no journal of `suffice label`; {_WAY_OUT}")
        if found.version != wanted.version:
            raise DatasetError(
                f"{self.path} is of version {found.version}, and this suffice writes {wanted.version}; {_WAY_OUT}"
            )
        names = found.settings.keys() | wanted.settings.keys()
        differing = sorted(name for name in names if found.settings.get(name) != wanted.settings.get(name))
        if differing:
            told = "; ".join(
                f"{name} was {_tell(found.settings.get(name))} and is {_tell(wanted.settings.get(name))}"
                for name in differing
            )
            raise DatasetError(f"{self.path} is of another run: {told}. Repeat that run's options, or {_WAY_OUT}")


_WAY_OUT = "name another folder with --out, or remove the file if its answers are not needed"


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LabelError(f"{path} cannot be written: {error.strerror}; name another folder with --out") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise LabelError(f"another `suffice label` is at work on {path}; wait for it, or end it") from error
    return file


def _tell(value: object) -> str:
    return "not set" if value is None else str(value)[:100]
