"""Certificates of a private authority, made by the openssl program."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_EXTENSIONS = "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM form."""

    authority: Path
    certificate: Path
    key: Path
    other_key: Path
    """Of no certificate here."""
    locked_key: Path
    """`key` with a password."""


def make_certificates(folder: Path) -> Certificates:
    """An authority, and a certificate of it for 127.0.0.1; skips the test where openssl is missing."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program on this machine to make certificates with")
    made = Certificates(*(folder / name for name in ("ca.pem", "tls.pem", "tls.key", "other.key", "locked.key")))
    (folder / "extensions").write_text(_EXTENSIONS)
    for key in ("ca.key", made.key.name, made.other_key.name):
        _openssl(folder, "ecparam -name prime256v1 -genkey -noout -out", key)
    _openssl(folder, "req -x509 -new -key ca.key -days 2 -subj /CN=authority -out", made.authority.name)
    _openssl(folder, f"req -new -key {made.key.name} -subj /CN=gateway -out", "request")
    signing = "x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out"
    _openssl(folder, signing, made.certificate.name)
    _openssl(folder, f"ec -in {made.key.name} -aes128 -passout pass:secret -out", made.locked_key.name)
    return made


def _openssl(folder: Path, command: str, out: str) -> None:
    subprocess.run(["openssl", *command.split(), out], cwd=folder, check=True, capture_output=True, timeout=60)
