"""Puts TLS before a plain TCP server, as cameras with rtsps:// have it, with a certificate that it signs itself."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.requirements import require

__all__ = ["TlsProxy"]


class TlsProxy:
    """Takes TLS connections at 127.0.0.1:`port` while the context is open, and passes them on in plain."""

    def __init__(self, target: int, folder: Path) -> None:
        """target: the plain server's port. folder: where the key and the certificate go."""
        require(shutil.which("openssl") is not None, "openssl, which makes the certificate")
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
        subprocess.run([*request, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def _accept(self) -> None:
        while True:
            try:
                plain, _address = self._listener.accept()
            except OSError:  # closed: the end
                return
            self._open.append(plain)
            try:
                near = self._context.wrap_socket(plain, server_side=True)
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                plain.close()
                continue
            self._open += [near, far]
            for a, b in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pass_on, args=(a, b))
                self._threads.append(thread)
                thread.start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            _shut(end)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in [self._listener, *self._open]:
            _shut(connection)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
        for connection in self._open:
            connection.close()


def _shut(connection: socket.socket) -> None:
    """Wake whoever waits on this connection."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has gone already
        return
