"""The head of an answer: what we write ourselves, and what is left to uvicorn."""

import asyncio
import logging
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from cocoon.gateway.http_cycle import GatewayCycle

pytestmark = pytest.mark.anyio
Headers = list[tuple[bytes, bytes]]


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True


def cycle(*, method: str = "POST", keep_alive: bool = True) -> tuple[GatewayCycle, Wire]:
    wire, log = Wire(), logging.getLogger("test")
    made = GatewayCycle(
        scope={"method": method},  # type: ignore[typeddict-item]
        transport=wire,
        flow=FlowControl(wire),
        logger=log,
        access_logger=log,
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )
    return made, wire


async def answer(made: GatewayCycle, headers: Headers, body: bytes = b"hi") -> None:
    await made.send({"type": "http.response.start", "status": 200, "headers": headers})
    await made.send({"type": "http.response.body", "body": body})


async def test_a_whole_answer() -> None:
    made, wire = cycle()
    await answer(made, [(b"content-length", b"2"), (b"x-a", b"b")])
    assert wire.written == (
        b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 2\r\nx-a: b\r\n\r\nhi"
    )
    assert made.response_complete
    assert not wire.closed


async def test_an_answer_of_unknown_length_is_chunked() -> None:
    made, wire = cycle()
    await answer(made, [(b"content-type", b"text/event-stream")])
    assert wire.written.endswith(b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")


async def test_a_length_that_is_wrong_is_an_error() -> None:
    made, _ = cycle()
    with pytest.raises(RuntimeError, match="shorter"):
        await answer(made, [(b"content-length", b"3")])


@pytest.mark.parametrize(
    "value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\0b", b"a\x7f", b"a\r\n", b"\x1b[0m"]
)
async def test_no_value_brings_a_header_of_its_own(value: bytes) -> None:
    made, wire = cycle()
    with pytest.raises(RuntimeError, match="Invalid HTTP header value"):
        await answer(made, [(b"content-length", b"2"), (b"x-a", value)])
    assert wire.written == b""


@pytest.mark.parametrize("name", [b"x\r\nb", b"x\nb", b"x\0"])
async def test_no_name_does_either(name: bytes) -> None:
    made, wire = cycle()
    with pytest.raises(RuntimeError, match="Invalid HTTP header name"):
        await answer(made, [(b"content-length", b"2"), (name, b"v")])
    assert wire.written == b""


async def test_connections_that_end_are_closed_after_the_answer() -> None:
    for headers, keep_alive in (([(b"connection", b"close")], True), ([], False)):
        made, wire = cycle(keep_alive=keep_alive)
        await answer(made, [(b"content-length", b"2"), *headers])
        assert wire.written.lower().count(b"connection: close\r\n") == 1
        assert wire.closed


async def test_head_has_no_body() -> None:
    made, wire = cycle(method="HEAD")
    await answer(made, [(b"content-length", b"2")])
    assert wire.written.endswith(b"content-length: 2\r\n\r\n")
    assert made.response_complete


async def test_nothing_is_written_for_who_has_gone() -> None:
    made, wire = cycle()
    made.disconnected = True
    await answer(made, [(b"content-length", b"2")])
    assert wire.written == b""
