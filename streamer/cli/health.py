"""`streamer health`: whether the streamer of a configuration is alive, for containers and what restarts services."""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Annotated

import typer

from streamer.cli.console import ConfigOption, configuration, output
from streamer.config import ServerConfig
from streamer.errors import ConfigError, StreamerError

__all__ = ["health"]

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing listens


def health(
    config: ConfigOption = None,
    timeout: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds to wait for the answer.")] = 3.0,
) -> None:
    """Ask the streamer that runs on this machine with this configuration whether it is alive; it needs no token.

    Exit code 0 if it is, 2 if not. Cameras that are down don't count: a restart doesn't bring them back.
    """
    server = configuration(config).server
    if server.port == 0:
        raise ConfigError("server.port: 0 is any free port, so nobody knows where to ask; choose one")
    host = _EVERY_ADDRESS.get(server.host, server.host)
    where = f"{host}, port {server.port}"
    connection = _connection(server, host, timeout)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise StreamerError(f"{where}: no answer ({error})") from None
    finally:
        connection.close()
    if status != 200:
        raise StreamerError(f"{where}: answers {status}, so something else listens there, or it is not well")
    output.print("alive", highlight=False)


def _connection(server: ServerConfig, host: str, timeout: float) -> HTTPConnection:
    if server.tls is None:
        return HTTPConnection(host, server.port, timeout=timeout)
    # Its certificate is for other names, and one that has expired is nothing that a restart would mend. It is this
    # machine that is asked, and nothing is told to it.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(host, server.port, timeout=timeout, context=context)
