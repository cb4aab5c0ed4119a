"""How the server is reached: what the section `server` of config.yaml says of TLS, proxies and origins."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from streamer.config_section import Section

__all__ = ["Network", "Origin", "PathPrefix", "TlsConfig"]

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class TlsConfig(Section):
    """The server's certificate, with those that vouch for it after it, and its private key: PEM files."""

    cert: Path
    key: Path


def _is_an_origin(value: str) -> str:
    """As browsers send it: lower case, without a slash at the end and without the port that goes without saying."""
    if "*" in value:
        raise ValueError("no pattern: a * would let the pages of any site in; list each, as https://host:port")
    origin = value.lower().removesuffix("/")
    if not re.fullmatch(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", origin):
        raise ValueError("scheme, host and port of the pages, as https://host:port (other alphabets as xn--...)")
    return origin.removesuffix(_DEFAULT_PORTS[urlsplit(origin).scheme])


def _is_a_path_prefix(value: str) -> str:
    prefix = value.rstrip("/")
    if prefix and not re.fullmatch(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+", prefix):
        raise ValueError("a path as /cams: letters, digits, dots, _ and - between slashes")
    return prefix


def _is_a_network(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(f"an address or a network, as 10.0.0.2 or 10.0.0.0/24 ({error})") from None
    if network.prefixlen == 0:
        raise ValueError("everybody would be trusted to say who he is; list the proxies' own addresses")
    return str(network)


Origin = Annotated[str, Field(max_length=300), AfterValidator(_is_an_origin)]
PathPrefix = Annotated[str, Field(max_length=200), AfterValidator(_is_a_path_prefix)]
Network = Annotated[str, Field(max_length=50), AfterValidator(_is_a_network)]
