import asyncio
from typing import Any

import pytest

from cocoon.net.relay import MAX_HELD, Relay
from cocoon.testing.streams import HIGH_WATER, MemoryTransport, VirtualClockLoop, connect

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return "asyncio", {"loop_factory": VirtualClockLoop}


class Sink(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = b""
        self.lost = False
        self.paused = False

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False


class Rig:
    """``left`` ─ near ═ relay ═ far ─ ``right``."""

    def __init__(self) -> None:
        self.gone: list[Relay] = []
        self.closed: list[bool] = []
        self.relay = Relay(self.gone.append)
        self.relay.on_closed = lambda: self.closed.append(True)
        self.left, self.right = Sink(), Sink()
        self.left_end, _ = connect(self.left, self.relay.near)
        self.right_end: MemoryTransport | None = None

    def join(self) -> MemoryTransport:
        self.right_end, _ = connect(self.right, self.relay.far)
        self.relay.join()
        return self.right_end


async def turns(count: int = 6) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_early_bytes_are_held_and_come_first() -> None:
    rig = Rig()
    rig.left_end.write(b"early ")
    await turns()
    right = rig.join()
    rig.left_end.write(b"late")
    right.write(b"back")
    await turns()
    assert rig.right.received == b"early late"
    assert rig.left.received == b"back"
    rig.relay.abort()
    await turns()


async def test_too_many_early_bytes_stop_the_reading() -> None:
    rig = Rig()
    for _ in range(12):
        rig.left_end.write(bytes(HIGH_WATER))
        await turns()
    assert rig.left.paused
    assert MAX_HELD < len(rig.relay.near.held) <= MAX_HELD + 2 * HIGH_WATER
    rig.join()
    await turns(60)
    assert len(rig.right.received) == 12 * HIGH_WATER
    assert not rig.left.paused
    rig.relay.abort()
    await turns()


async def test_a_side_that_does_not_read_stops_the_other() -> None:
    rig = Rig()
    right = rig.join()
    right.pause_reading()
    for _ in range(10):
        rig.left_end.write(bytes(HIGH_WATER))
        await turns()
    assert rig.left.paused
    right.resume_reading()
    await turns(60)
    assert len(rig.right.received) == 10 * HIGH_WATER
    assert not rig.left.paused
    rig.relay.abort()
    await turns()


@pytest.mark.parametrize("side", ["left", "right"])
async def test_the_end_of_one_side_ends_both_after_a_flush(side: str) -> None:
    rig = Rig()
    right = rig.join()
    closing, other = (rig.left_end, rig.right) if side == "left" else (right, rig.left)
    closing.write(b"last words")
    closing.close()
    await turns()
    assert other.received == b"last words"
    assert other.lost
    assert rig.closed == [True]
    assert rig.gone == [rig.relay]


async def test_closed_before_the_second_end_exists() -> None:
    rig = Rig()
    rig.left_end.close()
    await turns()
    assert rig.gone == [rig.relay]
    rig.relay.close()
    late, _ = connect(rig.right, rig.relay.far)
    await turns()
    assert rig.right.lost
    assert late.is_closing()
    assert rig.closed == [True]
    assert rig.gone == [rig.relay]
