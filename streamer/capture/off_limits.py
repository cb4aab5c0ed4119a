"""Addresses that a camera may not lead to: this machine's, and those that only this machine may mean to reach."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator

__all__ = ["addresses_of", "is_loopback", "is_off_limits"]

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where clouds tell a machine its own secrets, as far as these are no link-local addresses (169.254.169.254 is one):
# AWS and Google over IPv6, Alibaba, Azure, Oracle
_METADATA = frozenset(
    map(ipaddress.ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"))
)


def addresses_of(host: str) -> Iterator[str]:
    """Those that the name stands for now; none where it can't be."""
    with contextlib.suppress(OSError, UnicodeError):  # the name is unknown, or none: connecting will say so
        for *_, found in socket.getaddrinfo(host, None):
            yield str(found[0])


def is_loopback(ip: str) -> bool:
    """Whether it means this machine to every machine."""
    found = _parsed(ip)
    return found.is_loopback or found.is_unspecified


def is_off_limits(ip: str) -> bool:
    """Whether a camera of the network has no business there: loopback, link-local, metadata, or an own address."""
    found = _parsed(ip)
    return is_loopback(ip) or found.is_link_local or found in _METADATA or _is_own(found)


def _parsed(ip: str) -> _Ip:
    found = ipaddress.ip_address(ip.partition("%")[0])
    return getattr(found, "ipv4_mapped", None) or found  # ::ffff:127.0.0.1 reaches 127.0.0.1


def _is_own(ip: _Ip) -> bool:
    """Whether the system would send to it from itself. Nothing is sent: a datagram socket only looks for its way."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as looking:
            looking.connect((str(ip), 9))
            return _parsed(str(looking.getsockname()[0])) == ip
    except OSError:  # no way there
        return False
