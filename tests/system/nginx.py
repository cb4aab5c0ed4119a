"""Debian's nginx with TLS in front of a server on loopback, below a path."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from streamer.server.config import TlsConfig
from tests.requirements import require
from tests.system.program import eventually

__all__ = ["Nginx"]

_CONFIG = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors warn;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {tls.cert}; ssl_certificate_key {tls.key};
    location /cams/ {{
      proxy_pass http://127.0.0.1:{target}{target_path};
      proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}
}}
"""


class Nginx:
    """Serves https://127.0.0.1:`port`/cams/ while the context is open."""

    def __init__(self, target: int, tls: TlsConfig, folder: Path, *, strips: bool) -> None:
        """target: the server's port. strips: whether nginx takes the path off, or passes it on."""
        self._program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        require(self._program is not None, "nginx")
        with socket.create_server(("127.0.0.1", 0)) as free:  # nginx can't choose one by itself
            self.port = int(free.getsockname()[1])
        folder.mkdir()
        self._folder, self._config = folder, folder / "nginx.conf"
        self._config.write_text(
            _CONFIG.format(folder=folder, port=self.port, tls=tls, target=target, target_path="/" if strips else "")
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the server is found."""
        return f"https://127.0.0.1:{self.port}/cams"

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "errors").read_text()
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self) -> Self:
        assert self._program is not None
        self._process = subprocess.Popen([self._program, "-c", str(self._config), "-e", str(self._folder / "errors")])
        eventually("nginx listens", self._listens)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)
