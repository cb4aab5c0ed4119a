"""How many connections may be open, of all and of one address; listeners on real sockets."""

from __future__ import annotations

import contextlib
import gc
import socket
from collections.abc import Iterator

import pytest

from streamer.server import connections
from streamer.server.connections import ConnectionLimits, LimitedListener


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SPARE", 4)


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    """Made-up connections, closed at the end."""
    made = [socket.socket() for _ in range(20)]
    yield made
    for each in made:
        each.close()


def test_one_address_takes_half_and_others_still_come_in(sockets: list[socket.socket]) -> None:
    limits = ConnectionLimits(6)  # 10 in all
    for connection in sockets[:5]:
        assert not limits.refusal("192.0.2.1")
        limits.count(connection, "192.0.2.1")
    assert "from this address" in limits.refusal("192.0.2.1")
    for connection in sockets[5:10]:
        assert not limits.refusal("192.0.2.2")
        limits.count(connection, "192.0.2.2")
    assert "too many connections are open" in limits.refusal("192.0.2.3")


def test_of_ipv6_a_network_is_one_address(sockets: list[socket.socket]) -> None:
    limits = ConnectionLimits(6)
    for i, connection in enumerate(sockets[:5]):
        limits.count(connection, f"2001:db8:0:1::{i}")
    assert limits.refusal("2001:db8:0:1:ffff::1")
    assert not limits.refusal("2001:db8:0:2::1")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "10.0.0.2", "10.0.1.77"])
def test_this_machine_and_the_proxies_may_have_all(host: str, sockets: list[socket.socket]) -> None:
    limits = ConnectionLimits(6, proxies=["10.0.0.2", "10.0.1.0/24"])
    for connection in sockets[:10]:
        assert not limits.refusal(host)
        limits.count(connection, host)
    assert limits.refusal(host)


def test_who_leaves_makes_room_also_when_nobody_closed_the_connection() -> None:
    limits = ConnectionLimits(6)
    left = limits.count(closed := socket.socket(), "192.0.2.1")
    left()
    left()
    closed.close()
    lost = socket.socket()
    limits.count(lost, "192.0.2.1")
    assert limits._open.total() == 1
    socket.close(lost.detach())  # Python would warn of one that is still open
    del lost
    gc.collect()
    assert not limits._open


def test_a_listener_refuses_one_address_and_takes_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LOOPBACK", ())
    limits = ConnectionLimits(0)  # 4 in all, 2 of one address

    def connect(stack: contextlib.ExitStack, host: str) -> socket.socket:
        return stack.enter_context(socket.create_connection(address, timeout=10, source_address=(host, 0)))

    with LimitedListener(socket.AF_INET, socket.SOCK_STREAM) as listener, contextlib.ExitStack() as stack:
        listener.limits = limits
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = listener.getsockname()
        accepted = []
        for _ in range(2):
            connect(stack, "127.0.0.2")
            accepted.append(stack.enter_context(listener.accept()[0]))
        refused = connect(stack, "127.0.0.2")
        with pytest.raises(BlockingIOError):
            listener.accept()
        assert b"too many connections from this address" in refused.recv(1000)
        connect(stack, "127.0.0.3")
        stack.enter_context(listener.accept()[0])
        accepted[0].close()
        connect(stack, "127.0.0.2")
        stack.enter_context(listener.accept()[0])
    assert not limits._open
