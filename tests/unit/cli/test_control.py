"""Orders to a node that runs: what its refusals become."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from cocoon.chain.address import Address
from cocoon.cli.client_money import MoneyRoutes
from cocoon.cli.money.control import Control
from cocoon.client.chain.money import ClientMoney
from cocoon.errors import (
    ChainError,
    InsufficientFundsError,
    PaymentError,
    RemoteProtocolError,
    RequestError,
    UnavailableError,
    WalletFundsError,
)
from cocoon.gateway import ExtraRequest

pytestmark = pytest.mark.anyio


async def asked(status: str, body: bytes, act: Callable[[Control], Awaitable[object]]) -> bytes:
    """Serve one answer and ask for it; the head of the request."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        await act(Control(f"http://127.0.0.1:{port}", "secret"))
    finally:
        server.close()
    return heads[0]


async def test_an_order_carries_the_key() -> None:
    head = await asked("200 OK", b'{"done": []}', lambda control: control.post("request/x?a=1"))
    assert head.startswith(b"POST /request/x?a=1 HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer secret\r\n" in head


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        ("402 X", b'{"error": {"message": "too little"}}', InsufficientFundsError, "too little"),
        ("400 X", b"failed: no such proxy\n", PaymentError, "^no such proxy$"),
        ("502 X", b'{"error": "chain is gone"}', ChainError, "chain is gone"),
        ("503 X", b"", UnavailableError, "HTTP status 503"),
        ("500 X", b"\x1b[31mred\x1b[0m" + b"x" * 9000, PaymentError, r"^\[31mred"),
        ("200 OK", b"[]", RemoteProtocolError, "JSON object"),
        ("200 OK", b"nonsense", RemoteProtocolError, "JSON object"),
    ],
)
async def test_refusals(status: str, body: bytes, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        await asked(status, body, lambda control: control.get("jsonstats"))


async def test_nobody_there() -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        await Control("http://127.0.0.1:1").get("jsonstats")


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (WalletFundsError("send at least 5 TON to X", 5, "X"), 402),
        (PaymentError("the contract is closed"), 402),
        (ChainError("no chain answers"), 502),
    ],
)
async def test_an_order_that_fails_says_why(failure: Exception, status: int) -> None:
    class Money:
        def find(self, proxy: Address) -> Address:
            return proxy

        async def top_up(self, _contract: Address, _amount: int) -> None:
            raise failure

    route = MoneyRoutes(cast(ClientMoney, Money())).routes()["/request/topup"]
    query = {"proxy": Address(bytes(32)).raw(), "amount": "1"}
    with pytest.raises(RequestError) as caught:
        await route.handle(ExtraRequest("POST", "/request/topup", query))
    assert (str(caught.value), caught.value.http_status) == (str(failure), status)
