"""Certificates for servers on 127.0.0.1, right and wrong ones, made by the openssl command."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OPENSSL = shutil.which("openssl")
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Files of PEM; those of servers hold their private key too."""

    authority: Path
    """Who signs; whoever trusts this file trusts `right`."""
    right: Path
    expired: Path
    wrong_host: Path
    self_signed: Path


def make_certificates(folder: Path) -> Certificates:
    """Make them all; takes a tenth of a second."""
    _run(folder, "req", "-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2")
    _run(folder, "req", "-x509", *_KEY, "-keyout", "own.key", "-out", "own.pem", "-subj", "/CN=127.0.0.1", "-days", "2")
    return Certificates(
        authority=folder / "ca.pem",
        right=_sign(folder, "right", "IP:127.0.0.1"),
        expired=_sign(folder, "expired", "IP:127.0.0.1", days=-1),
        wrong_host=_sign(folder, "elsewhere", "DNS:elsewhere.example"),
        self_signed=_join(folder, "own"),
    )


def _sign(folder: Path, name: str, host: str, *, days: int = 2) -> Path:
    (folder / f"{name}.ext").write_text(f"subjectAltName={host}\n", encoding="utf-8")
    _run(folder, "req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days))
    _run(folder, "x509", "-req", "-in", f"{name}.csr", *signer, "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    return _join(folder, name)


def _join(folder: Path, name: str) -> Path:
    both = folder / f"{name}-chain.pem"
    both.write_bytes((folder / f"{name}.pem").read_bytes() + (folder / f"{name}.key").read_bytes())
    return both


def _run(folder: Path, *arguments: str) -> None:
    assert OPENSSL is not None
    subprocess.run([OPENSSL, *arguments], cwd=folder, check=True, capture_output=True, timeout=20)
