"""Where a camera of the network may not lead."""

from __future__ import annotations

import socket

import psutil
import pytest

from streamer.capture.off_limits import addresses_of, is_loopback, is_off_limits

LOOPBACK = ("127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1")  # noqa: S104
LINK_LOCAL = ("169.254.169.254", "169.254.1.1", "::ffff:169.254.1.1", "fe80::1", "fe80::1%lo")
METADATA = ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")


@pytest.mark.parametrize("ip", [*LOOPBACK, *LINK_LOCAL, *METADATA])
def test_this_machine_and_what_only_it_should_reach(ip: str) -> None:
    assert is_off_limits(ip)


def test_each_address_that_this_machine_has_is_its_own() -> None:
    found = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family in {socket.AF_INET, socket.AF_INET6}
    ]
    assert found
    assert [ip for ip in found if not is_off_limits(ip)] == []


@pytest.mark.parametrize("ip", ["192.0.2.7", "198.51.100.7", "2001:db8::7", "fd12:3456::7"])
def test_other_machines_are_not(ip: str) -> None:
    assert not is_off_limits(ip)
    assert not is_loopback(ip)


def test_a_name_that_can_not_be_has_no_address() -> None:
    assert list(addresses_of("a..b")) == []
    assert "127.0.0.1" in set(addresses_of("127.0.0.1"))
