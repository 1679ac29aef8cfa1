"""Any bytes from an engine are an answer or one kind of error, and never reach a later request."""

import asyncio

from cocoon.engine.http1 import HttpConnection
from cocoon.errors import EngineError


class _Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


async def _drive(data: bytes) -> None:
    idle: list[HttpConnection] = []
    connection = HttpConnection(idle.append, lambda _connection: None)
    transport = _Transport()
    connection.connection_made(transport)
    loop = asyncio.get_running_loop()
    end = loop.time() + 60
    request = loop.create_task(connection.request(b"", end, end))
    await asyncio.sleep(0)
    size = 1 + data[0] % 32
    for start in range(1, len(data), size):
        if not transport.closed:
            connection.data_received(data[start : start + size])
    if not transport.closed:
        connection.eof_received()
    connection.connection_lost(None)
    try:
        answer = await request
        while await answer.next_chunk() is not None:
            pass
    except EngineError:
        return
    if not answer.complete or not 200 <= answer.status <= 999:
        raise AssertionError("half an answer was taken for a whole one")


def fuzz_one(data: bytes) -> None:
    if data:
        asyncio.run(_drive(data))


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
