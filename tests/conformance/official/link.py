"""Frames, opening and queries of a runner's TCP connection (wire-protocol.md §2.6-2.8)."""

import asyncio
import random
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from official import attested
from official.attested import PeerInfo
from official.tl import Obj, ParseError, decode

MAX_FRAME = 1 << 24


class QueryFailedError(Exception):
    """The peer answered with ``tcp.queryError``."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class RefuseError(Exception):
    """Answer a query with this error, then close."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Transcript:
    """What went over one connection: (who sent it, frame)."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, bytes]] = []

    def add(self, sender: str, frame: bytes) -> None:
        """Note a frame."""
        self.frames.append((sender, frame))


class Link:
    """One connection of a runner.

    Set ``on_message`` and ``on_query``. ``closed`` is set when it has ended.

    Args:
        reader, writer: the byte stream.
        connector: we have connected; then we also begin.
        record: a router's record of the peer comes first (it is then in ``peer``); a runner that
            connects has said ``tcp.connect`` before it reads it.
        transcript: where frames are noted.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: Any,
        *,
        connector: bool,
        record: bool,
        transcript: Transcript | None = None,
    ) -> None:
        self.reader, self.writer, self.connector = reader, writer, connector
        self.record = record
        self.peer: PeerInfo | None = None
        self.transcript = transcript
        self.on_message: Callable[[Obj], None] = lambda obj: None
        self.on_peer: Callable[[], None] = lambda: None
        self.on_query: Callable[[Obj], Awaitable[Obj]] | None = None
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self.ignored: list[int] = []
        self.pings = 0
        self.mute = False
        self.sent: list[Obj] = []
        self.received: list[Obj] = []
        self._out = self._in = 0
        self._queries: dict[int, asyncio.Future[Obj]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    # --- out ---

    def packet(self, packet: Obj) -> None:
        """Send a ``tcp.Packet``."""
        payload = packet.boxed()
        if len(payload) > MAX_FRAME:
            return  # silently not sent, as the official runners do
        frame = struct.pack("<Ii", len(payload), self._out) + payload
        self._out += 1
        if self.transcript is not None:
            self.transcript.add("connector" if self.connector else "acceptor", frame)
        self.writer.write(frame)

    def message(self, obj: Obj) -> None:
        """Send a message."""
        self.sent.append(obj)
        self.packet(Obj("tcp.packet", data=obj.boxed()))

    async def query(self, obj: Obj, timeout: float = 10.0) -> Obj:
        """Send a query and wait for its answer."""
        await asyncio.wait_for(self.opened.wait(), timeout)
        if self.closed.is_set():
            raise ConnectionError("closed")
        number = random.getrandbits(63)
        self._queries[number] = asyncio.get_running_loop().create_future()
        self.sent.append(obj)
        self.packet(Obj("tcp.query", id=number, data=obj.boxed()))
        return await asyncio.wait_for(self._queries[number], timeout)

    # --- in ---

    async def _run(self) -> None:
        try:
            if self.connector:
                self.packet(Obj("tcp.connect", id=random.getrandbits(63)))
            if self.record:
                self.peer = await attested.read(self.reader)
            self.on_peer()
            while True:
                self._receive(decode(await self._frame()))
        except (asyncio.IncompleteReadError, ConnectionError, ParseError, EOFError):
            pass
        finally:
            self.closed.set()
            self.opened.set()  # nobody needs to wait any longer
            for task in self._tasks:
                task.cancel()
            for future in self._queries.values():
                if not future.done():
                    future.set_exception(ConnectionError("closed"))
                    future.exception()
            with suppress(Exception):
                self.writer.close()

    async def _frame(self) -> bytes:
        head = await self.reader.readexactly(8)
        length, seqno = struct.unpack("<Ii", head)
        if not 4 <= length <= MAX_FRAME or seqno != self._in:
            raise ParseError("bad frame")
        self._in += 1
        payload = await self.reader.readexactly(length)
        if self.transcript is not None:
            self.transcript.add("acceptor" if self.connector else "connector", head + payload)
        return payload

    def _receive(self, packet: Obj) -> None:
        name = packet.name
        if not self.opened.is_set():
            if name != ("tcp.connected" if self.connector else "tcp.connect"):
                raise ParseError("wrong first packet")
            if not self.connector:
                self.packet(Obj("tcp.connected", id=packet["id"]))
            self.opened.set()
        elif name == "tcp.ping":
            self.pings += 1
            if self.mute:
                return
            self.packet(Obj("tcp.pong", id=packet["id"]))
        elif name == "tcp.packet":
            self._message(packet["data"])
        elif name == "tcp.query":
            task = asyncio.get_running_loop().create_task(self._answer(packet))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif name in ("tcp.queryAnswer", "tcp.queryError"):
            self._answered(packet)

    def _message(self, data: bytes) -> None:
        try:
            obj = decode(data)
        except ParseError:
            self.ignored.append(int.from_bytes(data[:4], "little"))  # unknown magics are ignored
            return
        self.received.append(obj)
        self.on_message(obj)

    async def _answer(self, packet: Obj) -> None:
        number = packet["id"]
        try:
            query = decode(packet["data"])
            self.received.append(query)
            if self.on_query is None:
                raise ParseError("no query is expected here")
            answer = await self.on_query(query)
        except ParseError:
            self.packet(Obj("tcp.queryError", id=number, code=0, message="Lost promise"))
        except RefuseError as refusal:
            self.packet(
                Obj("tcp.queryError", id=number, code=refusal.code, message=refusal.message)
            )
            self.close()
        else:
            self.sent.append(answer)
            self.packet(Obj("tcp.queryAnswer", id=number, data=answer.boxed()))

    def _answered(self, packet: Obj) -> None:
        future = self._queries.pop(packet["id"], None)
        if future is None or future.done():
            return
        if packet.name == "tcp.queryError":
            future.set_exception(QueryFailedError(packet["code"], packet["message"].decode()))
            return
        answer = decode(packet["data"])
        self.received.append(answer)
        future.set_result(answer)

    def close(self) -> None:
        """Close it."""
        self.writer.close()

    async def aclose(self) -> None:
        """Close it and wait for the end."""
        self.writer.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        with suppress(Exception):
            await self.writer.wait_closed()
