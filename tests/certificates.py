"""Certificates of an authority that the test makes, as the files that a server is given."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from streamer.server.config import TlsConfig

__all__ = ["Authority"]


class Authority:
    """Issues certificates for 127.0.0.1 and localhost, and clients' contexts that trust them."""

    def __init__(self) -> None:
        self._authority = trustme.CA()

    def issue(
        self, folder: Path, *, days: float = 90, key_type: trustme.KeyType = trustme.KeyType.ECDSA
    ) -> tuple[TlsConfig, int]:
        """Write `cert.pem` and `key.pem`, over those of before; returns them, and the serial number.

        days: until it expires, negative for one that has.
        """
        ends = datetime.now(UTC) + timedelta(days=days)
        begins = min(datetime.now(UTC), ends) - timedelta(days=1)
        issued = self._authority.issue_cert(
            "127.0.0.1", "localhost", not_before=begins, not_after=ends, key_type=key_type
        )
        config = TlsConfig(cert=folder / "cert.pem", key=folder / "key.pem")
        # The key last: a server that looks in between sees two that don't belong together
        config.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        config.key.write_bytes(issued.private_key_pem.bytes())
        return config, serial_of(config.cert.read_text("ascii"))

    def client(self) -> ssl.SSLContext:
        """That trusts this authority alone."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context


def serial_of(pem: str) -> int:
    """The serial number of the first certificate of a PEM text."""
    from cryptography import x509

    return x509.load_pem_x509_certificate(pem.encode()).serial_number
