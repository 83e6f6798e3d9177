"""The files of certificates that a configuration names."""

import ssl
from pathlib import Path

import pytest

from certificates import Certificates, make_certificates
from suffice.config import parse
from suffice.config.tls import server_tls, upstream_tls
from suffice.errors import ConfigError

TIERS = """
tiers:
  - { name: small, model: s, base_urls: ["https://127.0.0.1:8000/v1"], price: { input: 1, output: 1 } }
  - { name: large, model: l, base_urls: ["https://127.0.0.1:8001/v1"], price: { input: 9, output: 9 } }
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


def mistakes(text: str, folder: Path) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        parse(TIERS + text, {}, folder=folder)
    return [(mistake.path, mistake.remedy) for mistake in caught.value.mistakes]


def test_without_files_the_gateway_speaks_plain_http(tmp_path: Path) -> None:
    loaded = parse(TIERS, {}, folder=tmp_path)

    assert server_tls(loaded.config, loaded.folder) is None


def test_a_certificate_and_its_key_make_a_context_for_tls_1_2_and_above(made: Certificates) -> None:
    loaded = parse(TIERS + "server: { tls_certificate: tls.pem, tls_key: tls.key }", {}, folder=made.key.parent)

    context = server_tls(loaded.config, loaded.folder)

    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("section", ["", "upstream: { ca_file: ca.pem }"])
def test_certificates_of_upstreams_are_verified_in_any_case(section: str, made: Certificates) -> None:
    loaded = parse(TIERS + section, {}, folder=made.key.parent)

    context = upstream_tls(loaded.config, loaded.folder)

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert ("authority" in str(context.get_ca_certs())) == bool(section)


@pytest.mark.parametrize(
    ("keys", "path", "remedy"),
    [
        ("tls_certificate: tls.pem", "server.tls_key", "is missing"),
        ("tls_key: tls.key", "server.tls_certificate", "is missing"),
        ("tls_certificate: no.pem, tls_key: tls.key", "server.tls_certificate", "there is no file no.pem"),
        ("tls_certificate: tls.pem, tls_key: no.key", "server.tls_key", "there is no file no.key"),
        ("tls_certificate: ., tls_key: tls.key", "server.tls_certificate", ". cannot be read"),
        ("tls_certificate: tls.key, tls_key: tls.key", "server.tls_certificate", "tls.key holds no certificate"),
        ("tls_certificate: tls.pem, tls_key: tls.pem", "server.tls_key", "tls.pem holds no private key"),
        ("tls_certificate: tls.pem, tls_key: other.key", "server.tls_key", "other.key is not the key of"),
        ("tls_certificate: tls.pem, tls_key: locked.key", "server.tls_key", "locked.key is protected by a password"),
        ("tls_certificate: broken.pem, tls_key: tls.key", "server.tls_key", "cannot be read together as PEM"),
    ],
)
def test_files_that_cannot_serve_are_named_with_what_is_wrong(
    keys: str, path: str, remedy: str, made: Certificates
) -> None:
    text = made.certificate.read_text().replace("M", "N")
    (made.key.parent / "broken.pem").write_text(text)

    ((found, told),) = mistakes(f"server: {{ {keys} }}", made.key.parent)

    assert found == path
    assert remedy in told


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("no.pem", "there is no file no.pem"),
        ("tls.key", "tls.key holds no certificate"),
        ("broken.pem", "broken.pem holds no certificate that can be read"),
    ],
)
def test_an_authority_that_cannot_be_read_is_named(name: str, remedy: str, made: Certificates) -> None:
    text = made.certificate.read_text().replace("M", "N")
    (made.key.parent / "broken.pem").write_text(text)

    ((path, told),) = mistakes(f"upstream: {{ ca_file: {name} }}", made.key.parent)

    assert path == "upstream.ca_file"
    assert remedy in told


def test_files_that_went_away_after_the_check_are_an_error_too(made: Certificates, tmp_path: Path) -> None:
    loaded = parse(TIERS + "server: { tls_certificate: tls.pem, tls_key: tls.key }", {}, folder=made.key.parent)

    with pytest.raises(ConfigError, match="there is no file"):
        server_tls(loaded.config, tmp_path)
