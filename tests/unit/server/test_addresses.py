"""Which addresses belong together, and which are listed."""

from __future__ import annotations

import pytest

from streamer.server.addresses import Networks, network_of


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:ffff::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1::1%eth0", "2001:db8:0:1::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_of_ipv6_the_first_half_counts(host: str, network: str) -> None:
    assert network_of(host) == network


@pytest.mark.parametrize(
    ("address", "listed"),
    [
        ("10.0.0.2", True),
        ("::ffff:10.0.0.2", True),
        ("10.0.0.3", False),
        ("10.1.200.1", True),
        ("2001:db8::7", True),
        ("2001:db9::7", False),
        ("/run/socket", False),
        ("", False),
    ],
)
def test_an_address_or_its_network_is_listed(address: str, *, listed: bool) -> None:
    assert (address in Networks(["10.0.0.2", "10.1.0.0/16", "2001:db8::/32"])) is listed
