"""The certificate's files: what is wrong with them is said at start, and renewed ones are served from then on."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from streamer.errors import ConfigError
from streamer.server.config import TlsConfig
from streamer.server.tls import Certificate
from tests.certificates import Authority, serial_of


def served(certificate: Certificate, authority: Authority) -> int:
    """The serial number that a new client sees, in a handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = authority.client().wrap_bio(to_client, to_server, server_hostname="localhost")
    server = certificate.context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    found = client.getpeercert(binary_form=True)
    assert found is not None
    return serial_of(ssl.DER_cert_to_PEM_cert(found))


@pytest.mark.parametrize("renewed", [trustme.KeyType.ECDSA, trustme.KeyType.RSA])
def test_a_renewed_certificate_is_served_to_new_clients_whatever_its_kind_of_key(
    tmp_path: Path, renewed: trustme.KeyType
) -> None:
    authority = Authority()
    config, first = authority.issue(tmp_path)
    certificate = Certificate(config)
    assert served(certificate, authority) == first
    _, second = authority.issue(tmp_path, key_type=renewed)
    certificate.renew()
    assert served(certificate, authority) == second != first


def test_a_renewal_that_is_half_written_leaves_the_old_certificate_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority()
    config, first = authority.issue(tmp_path)
    certificate = Certificate(config)
    (tmp_path / "next").mkdir()
    coming, second = authority.issue(tmp_path / "next")
    config.cert.write_bytes(coming.cert.read_bytes())
    certificate.renew()
    certificate.renew()
    assert served(certificate, authority) == first
    [warning] = [record.message for record in caplog.records]
    assert warning.startswith(f"server.tls.key: {config.key} is not the key of the certificate")
    config.key.write_bytes(coming.key.read_bytes())
    certificate.renew()
    assert served(certificate, authority) == second


def missing(config: TlsConfig) -> None:
    config.key.unlink()


def a_folder(config: TlsConfig) -> None:
    config.cert.unlink()
    config.cert.mkdir()


def no_pem(config: TlsConfig) -> None:
    config.cert.write_bytes(b"\x30\x82\x01\x0a")


def exchanged(config: TlsConfig) -> None:
    cert = config.cert.read_bytes()
    config.cert.write_bytes(config.key.read_bytes())
    config.key.write_bytes(cert)


def of_another(config: TlsConfig) -> None:
    cert = config.cert.read_bytes()
    Authority().issue(config.cert.parent)
    config.cert.write_bytes(cert)


def encrypted(config: TlsConfig) -> None:
    key = serialization.load_pem_private_key(config.key.read_bytes(), None)
    config.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hunter2"),
        )
    )


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (missing, "server.tls.key: {key}: no such file"),
        (a_folder, "server.tls.cert: {cert}: Is a directory"),
        (no_pem, "server.tls.cert: {cert} is not in PEM format"),
        (exchanged, "server.tls: {cert} and {key} are no certificate and private key"),
        (of_another, "server.tls.key: {key} is not the key of the certificate {cert}"),
        (encrypted, "server.tls.key: {key} is encrypted"),
    ],
)
def test_files_that_cannot_be_used_are_named_with_what_is_wrong(
    tmp_path: Path, spoil: Callable[[TlsConfig], None], expected: str
) -> None:
    config, _ = Authority().issue(tmp_path)
    spoil(config)
    with pytest.raises(ConfigError) as caught:
        Certificate(config)
    assert str(caught.value).startswith(expected.format(cert=config.cert, key=config.key))


@pytest.mark.parametrize(("days", "expected"), [(-1, "has expired"), (3.5, "expires in 3 days"), (90, "")])
def test_a_certificate_that_browsers_refuse_or_soon_will_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, days: float, expected: str
) -> None:
    config, _ = Authority().issue(tmp_path, days=days)
    Certificate(config)
    told = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert told == ([f"server.tls.cert: {config.cert} {expected}"] if expected else [])
