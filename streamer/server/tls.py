"""The server's certificate: checked before it is used, and taken anew when its files are renewed."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from streamer.errors import ConfigError
from streamer.server.config import TlsConfig

__all__ = ["Certificate"]

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0  # between looks whether the files were renewed
_WARN_DAYS = 14  # before it expires; those who renew by themselves do so earlier
_DAY = 24 * 3600
# https://docs.openssl.org/master/man1/openssl-verification-options/
_NOT_YET_VALID, _EXPIRED = 9, 10

_Stamp = tuple[tuple[int, int, int], ...]
_T = TypeVar("_T")


class Certificate:
    """Serves new connections with the newest good certificate; those that stand keep theirs.

    context: for the listening sockets. A renewed certificate gets a context of its own, handed out in each handshake:
    one that is loaded into a context with a certificate of another kind of key (ECDSA, RSA) is only put beside it.
    """

    def __init__(self, config: TlsConfig) -> None:
        """Raises ConfigError: the files can't be read, are no certificate and key, or don't belong together."""
        self._config = config
        self._stamp = self._files_stamp()
        self.context = self._newest = self._load()
        self.context.sni_callback = self._hand_out
        self._said = ""
        self._tell_of_its_end()

    async def watch(self) -> None:
        """Look for renewed files, until cancelled."""
        looked = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.renew)
            if time.monotonic() - looked > _DAY:
                looked = time.monotonic()
                await asyncio.to_thread(self._tell_of_its_end)

    def renew(self) -> None:
        """Take the files if they have changed; what can't be used is logged once, and the old certificate stays."""
        try:
            stamp = self._files_stamp()
            if stamp == self._stamp:
                return
            newest = self._load()
        except ConfigError as error:  # also while only one of the two is written
            if str(error) != self._said:
                log.warning("%s; the certificate of before stays in use", error)
            self._said = str(error)
            return
        self._stamp, self._newest, self._said = stamp, newest, ""
        log.info("server.tls: the renewed certificate %s is in use", self._config.cert)
        self._tell_of_its_end()

    def _hand_out(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._newest

    def _files_stamp(self) -> _Stamp:
        stamp = []
        for key, path in (("cert", self._config.cert), ("key", self._config.key)):
            stat = _readable(key, path, path.stat)
            stamp.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(stamp)

    def _load(self) -> ssl.SSLContext:
        cert, key = self._config.cert, self._config.key
        for name, path in (("cert", cert), ("key", key)):
            if b"-----BEGIN " not in _readable(name, path, path.read_bytes):
                raise ConfigError(f"server.tls.{name}: {path} is not in PEM format (it has no -----BEGIN line)")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2

        def no_password() -> str:
            raise ConfigError(
                f"server.tls.key: {key} is encrypted, and nobody is there to type its password: "
                f"`openssl pkey -in {key.name}` writes it in plain"
            )

        try:
            context.load_cert_chain(cert, key, password=no_password)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise ConfigError(f"server.tls.key: {key} is not the key of the certificate {cert}") from None
            why = error.reason or "nothing that OpenSSL can read"
            raise ConfigError(
                f"server.tls: {cert} and {key} are no certificate and private key ({why.lower().replace('_', ' ')})"
            ) from None
        return context

    def _tell_of_its_end(self) -> None:
        """Warn of a certificate that browsers will refuse, or soon will."""
        cert = self._config.cert
        try:
            ends = _end_of(cert, self._newest)
        except ssl.SSLCertVerificationError as error:
            wrong = {_EXPIRED: "has expired", _NOT_YET_VALID: "is not valid yet (is this machine's clock right?)"}
            why = wrong.get(error.verify_code, f"will be refused: {error.verify_message}")
            log.warning("server.tls.cert: %s %s", cert, why)
            return
        days = int((ends - time.time()) // _DAY)
        if days < _WARN_DAYS:
            log.warning("server.tls.cert: %s expires in %d days", cert, days)


def _readable(key: str, path: Path, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except FileNotFoundError:
        raise ConfigError(f"server.tls.{key}: {path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"server.tls.{key}: {path}: {error.strerror}") from None


def _end_of(cert: Path, served: ssl.SSLContext) -> float:
    """UTC seconds at which the certificate expires.

    As a client learns it that trusts this one alone, in a handshake in memory: Python has no other way to read it.
    Raises ssl.SSLCertVerificationError: such a client refuses it.
    """
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trusting.load_verify_locations(cert)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server)
    server = served.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    found = client.getpeercert()
    return float(ssl.cert_time_to_seconds(str(found["notAfter"]))) if found else 0.0
