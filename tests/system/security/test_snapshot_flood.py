"""A flood of snapshots, over real sockets: viewers go on to see, and who asks too much is told when to ask again."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.server_harness import Scene, running_server, until

pytestmark = pytest.mark.system

CLIENTS = 40
ONE = {"lobby": Scene("Lobby", fps=10)}


async def _ask_for_ever(client: httpx.AsyncClient, answers: Counter[int], number: int) -> None:
    """Never twice the same in a row; whoever is refused asks again at once."""
    for turn in itertools.count(number):
        asked = {"width": 64 + turn * 16 % 1200, "quality": 10 + turn * 5 % 85}
        answer = await client.get("/api/v1/cameras/lobby/snapshot.jpg", params=asked)
        answers[answer.status_code] += 1
        if answer.status_code == 503:
            assert answer.headers["retry-after"] == "1"


def test_live_pictures_go_on_beside_a_flood_of_snapshots() -> None:
    async def scenario() -> None:
        answers = Counter[int]()
        limits = httpx.Limits(max_connections=CLIENTS)
        async with (
            running_server(ONE) as harness,
            httpx.AsyncClient(base_url=harness.url, limits=limits, timeout=60) as client,
            connect(harness.ws_url, compression=None, max_size=None) as viewer,
        ):
            await until(lambda: harness.services.hub.fresh("lobby") is not None)
            flood = [asyncio.create_task(_ask_for_ever(client, answers, number)) for number in range(CLIENTS)]
            await until(lambda: answers.total() > CLIENTS, 30)
            await viewer.send(json.dumps({"type": "subscribe", "frames": "clean"}))
            pictures = 0
            async for message in viewer:
                pictures += isinstance(message, bytes)
                if pictures == 20:
                    break
            for task in flood:
                task.cancel()
            ended = await asyncio.gather(*flood, return_exceptions=True)
        assert {type(each) for each in ended} == {asyncio.CancelledError}
        assert set(answers) == {200, 503}, answers
        assert answers[503] > 0

    asyncio.run(asyncio.wait_for(scenario(), 90))
