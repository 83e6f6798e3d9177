"""From a file to a checked configuration, or to all that is wrong with it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from suffice.config.conversion import convert
from suffice.config.document import MAX_CHARACTERS, read
from suffice.config.findings import Findings
from suffice.config.sections import Config
from suffice.config.semantics import check
from suffice.config.servers import key_variables
from suffice.errors import ConfigError, Mistake

N_HASH_DIGITS = 12


class Secret:
    """A text that is shown nowhere by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration without mistakes."""

    config: Config
    hash: str
    """First 12 hexadecimal digits of the SHA-256 of the content; comments, order of keys and secrets do not enter."""
    folder: Path
    """Paths in the file are relative to it."""
    secrets: Mapping[str, Secret]
    """What the environment variables hold that the file names."""
    warnings: tuple[Mistake, ...] = ()


def load(path: Path, environ: Mapping[str, str], *, allow_open: bool = False) -> Loaded:
    """Read and check a file.

    Args:
        path: The file.
        environ: The environment, for the variables that the file names.
        allow_open: Listening beyond loopback without keys is meant.

    Raises:
        ConfigError: The file cannot be read, or holds mistakes: all of them.
    """
    source = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(4 * MAX_CHARACTERS + 1)
        text = content.decode("utf-8-sig")
    except FileNotFoundError as error:
        remedy = "there is no such file; `suffice init` writes one"
        raise ConfigError([Mistake("(file)", source, remedy)], source=source) from error
    except OSError as error:
        raise ConfigError([Mistake("(file)", source, f"cannot be read: {error.strerror}")], source=source) from error
    except UnicodeDecodeError as error:
        remedy = f"is not UTF-8 (byte {error.start}); save it as UTF-8"
        raise ConfigError([Mistake("(file)", source, remedy)], source=source) from error
    return parse(text, environ, source=source, folder=path.resolve().parent, allow_open=allow_open)


def parse(
    text: str, environ: Mapping[str, str], *, source: str = "suffice.yaml", folder: Path, allow_open: bool = False
) -> Loaded:
    """Read and check a file's text.

    Args:
        text: The YAML.
        environ: The environment, for the variables that the file names.
        source: What the file is called in messages.
        folder: Where paths in the file begin.
        allow_open: Listening beyond loopback without keys is meant.

    Raises:
        ConfigError: The text holds mistakes: all of them.
    """
    document = read(text)
    findings = Findings(document)
    if document.tree or not document.slips:
        config = convert(document.tree, Config, findings)
        check(config, environ, findings, folder=folder, allow_open=allow_open)
        if not findings.mistakes:
            return Loaded(
                config=config,
                hash=_hash(config),
                folder=folder,
                secrets={name: Secret(environ[name]) for _, name in key_variables(config)},
                warnings=tuple(findings.warnings),
            )
    raise ConfigError(sorted(findings.mistakes, key=lambda mistake: mistake.line or 0), source=source)


def _hash(config: Config) -> str:
    keys = [replace(key, hash="") for key in config.auth.keys]
    public = replace(config, auth=replace(config.auth, keys=keys))
    return hashlib.sha256(msgspec.json.encode(public, order="sorted")).hexdigest()[:N_HASH_DIGITS]
