"""What is logged of strangers' requests: not each of them."""

from __future__ import annotations

import asyncio
import logging

import pytest

from streamer.logs import StrangersFilter
from tests.server_harness import running_server
from tests.system.security.strangers import LAST, ONE, ask, run

pytestmark = pytest.mark.system


def test_requests_that_are_none_fill_no_log(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("uvicorn.error")
    log.addFilter(strangers := StrangersFilter())
    try:

        async def scenario() -> None:
            async with running_server(ONE, feed=False) as harness:
                for _ in range(10):
                    assert b" 400 " in await asyncio.to_thread(ask, harness.port, b"rubbish\r\n\r\n")
                    upgrade = LAST.replace(b"Connection: close", b"Connection: Upgrade\r\nUpgrade: h2c")
                    assert b" 200 " in await asyncio.to_thread(ask, harness.port, upgrade, LAST)

        run(scenario())
    finally:
        log.removeFilter(strangers)
    said = [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"]
    assert [text for text in said if "request" in text] == ["Invalid HTTP request received."]
