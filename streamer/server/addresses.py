"""Addresses that connections come from: which are one network's, and which lie in those that are listed."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

__all__ = ["Networks", "network_of"]


class Networks:
    """Some addresses and networks."""

    def __init__(self, listed: Iterable[str]) -> None:
        """listed: as `10.0.0.2` or `10.0.0.0/24`."""
        self._networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] = [
            ipaddress.ip_network(each) for each in listed
        ]

    def __contains__(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:  # a Unix socket's name, or made up
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._networks)


def network_of(host: str) -> str:
    """The address, of IPv6 its first half: whoever has one there has all of them."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
