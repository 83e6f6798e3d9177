"""The certificates that the file names: ours towards clients, and a private authority's for upstreams."""

import ssl
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import TypeVar

from suffice.config.document import Path, render_path
from suffice.config.findings import Findings
from suffice.config.sections import Config
from suffice.errors import ConfigError, Mistake

_Context = TypeVar("_Context")
_CERTIFICATE = ("server", "tls_certificate")
_KEY = ("server", "tls_key")
_AUTHORITY = ("upstream", "ca_file")


def server_tls(config: Config, folder: FilePath) -> ssl.SSLContext | None:
    """What the listening socket is wrapped in; None: it speaks plain HTTP.

    Args:
        config: All of the file.
        folder: Where paths in it begin.

    Raises:
        ConfigError: The files have changed since they were checked.
    """
    return _open(_open_server, config, folder)


def upstream_tls(config: Config, folder: FilePath) -> ssl.SSLContext:
    """How upstreams with `https` are met: their certificates are always verified.

    Raises:
        ConfigError: The file has changed since it was checked.
    """
    return _open(_open_upstream, config, folder)


def check_tls(config: Config, folder: FilePath, findings: Findings) -> None:
    """Check that the files are there, hold what they should, and go together."""
    for opener in (_open_server, _open_upstream):
        try:
            opener(config, folder)
        except _UnusableError as error:
            findings.add(error.path, error.remedy)


class _UnusableError(Exception):
    """A file, or one that is missing beside it."""

    def __init__(self, path: Path, remedy: str) -> None:
        super().__init__(remedy)
        self.path = path
        self.remedy = remedy


def _open(opener: Callable[[Config, FilePath], _Context], config: Config, folder: FilePath) -> _Context:
    try:
        return opener(config, folder)
    except _UnusableError as error:
        raise ConfigError([Mistake(render_path(error.path), None, error.remedy)]) from error


def _open_server(config: Config, folder: FilePath) -> ssl.SSLContext | None:
    certificate, key = config.server.tls_certificate, config.server.tls_key
    if certificate is None and key is None:
        return None
    if certificate is None:
        raise _UnusableError(_CERTIFICATE, "is missing; name the file with the certificate that belongs to tls_key")
    if key is None:
        raise _UnusableError(_KEY, "is missing; name the file with the private key of tls_certificate")
    chain = _find(_CERTIFICATE, certificate, folder, "CERTIFICATE", "certificate")
    private = _find(_KEY, key, folder, "PRIVATE KEY", "private key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password of ours OpenSSL would ask for one at the terminal.
        context.load_cert_chain(chain, private, password=lambda: b"")
    except ssl.SSLError as error:
        raise _UnusableError(_KEY, _explain(error, certificate, key, private)) from error
    return context


def _explain(error: ssl.SSLError, certificate: str, key: str, private: FilePath) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{key} is not the key of the certificate in {certificate}; name the two files that belong together"
    if "ENCRYPTED" in private.read_text(encoding="latin-1"):
        return f"{key} is protected by a password, which nobody is there to type; store it without one"
    return f"{certificate} and {key} cannot be read together as PEM: {error.reason or error}"


def _open_upstream(config: Config, folder: FilePath) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority = config.upstream.ca_file
    if authority is not None:
        file = _find(_AUTHORITY, authority, folder, "CERTIFICATE", "certificate")
        try:
            context.load_verify_locations(file)
        except ssl.SSLError as error:
            remedy = f"{authority} holds no certificate that can be read: {error.reason or error}"
            raise _UnusableError(_AUTHORITY, remedy) from error
    return context


def _find(path: Path, name: str, folder: FilePath, mark: str, what: str) -> FilePath:
    """The file, if it holds such a part in PEM form."""
    file = folder / name
    try:
        text = file.read_text(encoding="latin-1")
    except FileNotFoundError as error:
        raise _UnusableError(path, f"there is no file {name}; paths begin beside the configuration file") from error
    except OSError as error:
        raise _UnusableError(path, f"{name} cannot be read: {error.strerror}") from error
    if f"{mark}-----" not in text:
        raise _UnusableError(path, f"{name} holds no {what} in PEM form (-----BEGIN …-----)")
    return file
