"""Writes of one turn of the event loop leave together, and never later than that."""

import asyncio
from typing import Any

import pytest

from cocoon.gateway.joined_writes import MAX_HELD, JoinedWrites


class Wire(asyncio.Transport):
    """Notes what is done to it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.done: list[Any] = []
        self.closing = False

    def write(self, data: Any) -> None:
        assert not self.closing
        self.done.append(bytes(data))

    def close(self) -> None:
        self.closing = True
        self.done.append("close")

    def abort(self) -> None:
        self.closing = True
        self.done.append("abort")

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")


def joined() -> tuple[Wire, JoinedWrites]:
    wire = Wire()
    return wire, JoinedWrites(wire, asyncio.get_running_loop())


@pytest.mark.anyio
async def test_writes_of_a_turn_are_one_and_the_next_turn_is_another() -> None:
    wire, writes = joined()
    writes.write(b"head ")
    writes.write(b"")
    writes.write(b"body")
    assert wire.done == []
    await asyncio.sleep(0)
    assert wire.done == [b"head body"]
    writes.write(b"more")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert wire.done == [b"head body", b"more"]


@pytest.mark.anyio
async def test_what_is_held_back_has_a_limit() -> None:
    wire, writes = joined()
    part = b"x" * (MAX_HELD // 4)
    for _ in range(9):
        writes.write(part)
    assert wire.done == [part * 4, part * 4]
    await asyncio.sleep(0)
    assert wire.done[2:] == [part]


@pytest.mark.anyio
async def test_closing_writes_first_and_aborting_does_not() -> None:
    wire, writes = joined()
    writes.write(b"last words")
    writes.close()
    assert wire.done == [b"last words", "close"]
    assert writes.is_closing()
    wire, writes = joined()
    writes.write(b"lost")
    writes.abort()
    await asyncio.sleep(0)
    assert wire.done == ["abort"]


@pytest.mark.anyio
async def test_nothing_is_written_to_a_connection_that_was_lost() -> None:
    wire, writes = joined()
    writes.write(b"too late")
    wire.closing = True
    await asyncio.sleep(0)
    assert wire.done == []


@pytest.mark.anyio
async def test_the_rest_is_handed_on() -> None:
    wire, writes = joined()
    writes.pause_reading()
    writes.resume_reading()
    assert wire.done == ["pause", "resume"]
    assert writes.get_extra_info("peername") == ("127.0.0.1", 1)
    assert writes.get_extra_info("sslcontext", 7) == 7
