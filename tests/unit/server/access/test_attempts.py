"""Wrong attempts: how many wait, by address, and that none is remembered afterwards."""

from __future__ import annotations

import asyncio

import pytest

from streamer.server.access import attempts
from streamer.server.access.attempts import Attempts


def test_an_address_that_fails_too_often_costs_no_other_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "FAILURE_SECONDS", 0.05)

    async def scenario() -> None:
        counted = Attempts()
        hosts = ["192.0.2.1"] * 20 + [f"2001:db8:0:1::{i:x}" for i in range(20)]  # of IPv6, one network
        failing = [asyncio.create_task(counted.fail(host)) for host in hosts]
        await asyncio.sleep(0)
        for host in ("192.0.2.1", "2001:db8:0:1:ffff::1", "2001:db8:0:1::1%eth0"):
            assert counted.exhausted(host)
            refusal = await counted.fail(host)
            assert refusal is not None
            assert (refusal.status_code, refusal.headers["retry-after"]) == (429, "5")
        for host in ("192.0.2.2", "2001:db8:0:2::1", "", "testclient"):
            assert not counted.exhausted(host)
        assert await asyncio.gather(*failing) == [None] * 40
        assert not counted.exhausted("192.0.2.1")
        assert not counted._waiting

    asyncio.run(scenario())


def test_however_many_others_try_who_has_brought_nothing_wrong_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "FAILURE_SECONDS", 0.05)

    async def scenario() -> None:
        counted = Attempts()
        hosts = [f"2001:db8:0:{network:x}::1" for network in range(50) for _ in range(20)]  # 1,000 of them
        failing = [asyncio.create_task(counted.fail(host)) for host in hosts]
        await asyncio.sleep(0)
        assert not counted.exhausted("192.0.2.1")
        failing.append(asyncio.create_task(counted.fail("192.0.2.1")))
        await asyncio.sleep(0)
        assert counted.exhausted("192.0.2.1")  # by its own, now that so many wait
        assert await asyncio.gather(*failing) == [None] * 1001
        assert not counted._waiting

    asyncio.run(scenario())
