"""What a viewer's connection writes is what the websocket library would have written."""

from __future__ import annotations

import asyncio

import pytest
from websockets.frames import Frame, Opcode

from streamer.server.transport import WebSocketConnection


class Unhindered:
    """The part of uvicorn's protocol that a connection asks; here it can always be written."""

    async def wait_writable(self) -> None:
        return


@pytest.mark.parametrize("length", [40, 125, 126, 65_535, 65_536, 200_000])
def test_a_message_of_any_length_is_one_frame_as_the_library_makes_it(length: int) -> None:
    start, rest = b"start", bytes(i % 251 for i in range(length - 5))
    expected = Frame(Opcode.BINARY, start + rest).serialize(mask=False)

    async def scenario() -> bytes:
        arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived.set_result(await reader.readexactly(len(expected)))
            writer.close()

        async with await asyncio.start_server(read, "127.0.0.1", 0) as server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            assert isinstance(writer.transport, asyncio.Transport)
            connection = WebSocketConnection(writer.transport, Unhindered())
            connection.send_binary(start, rest)
            received = await arrived
            assert connection.idle
            writer.close()
            await writer.wait_closed()
            return received

    assert asyncio.run(asyncio.wait_for(scenario(), 10)) == expected
