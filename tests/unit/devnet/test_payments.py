"""Small HTTP calls, and what the status pages say about payments."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cocoon.devnet.http import call, get_json, get_status
from cocoon.devnet.payments import SignedTotals, signed_totals, wait_signed
from cocoon.devnet.state import RunningNetwork
from cocoon.errors import PaymentError, RemoteProtocolError, UnavailableError


@asynccontextmanager
async def server(answer: Mapping[str, Any] | bytes) -> AsyncIterator[tuple[str, list[str]]]:
    """Answers every call with one JSON document or with raw bytes; tells the request lines."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head.split(b" HTTP")[0].decode())
        if isinstance(answer, bytes):
            writer.write(answer)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(answer).encode())
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", seen


def page(tokens: int, nano: int) -> dict[str, Any]:
    return {"proxies": [{"signed_tokens": tokens, "signed_nanoton": nano}]}


def network(client: str, worker: str) -> RunningNetwork:
    return RunningNetwork(1, f"{client}/v1", "m", (client,), (worker, worker))


@pytest.mark.anyio
async def test_totals_over_all_workers() -> None:
    async with server(page(5, 50)) as (client, _), server(page(3, 24)) as (worker, _):
        totals = await signed_totals(network(client, worker))
    assert totals == SignedTotals(5, 6, 50, 48)
    assert totals.since(SignedTotals(1, 2, 3, 4)) == SignedTotals(4, 4, 47, 44)


@pytest.mark.anyio
async def test_waiting_makes_the_proxy_sign() -> None:
    async with server(page(5, 50)) as (client, seen), server(page(3, 24)) as (worker, _):
        added = await wait_signed(network(client, worker), SignedTotals(0, 0, 0, 0), 5, 1.0)
    assert added == SignedTotals(5, 6, 50, 48)
    assert seen[0] == "POST /request/flush"


@pytest.mark.anyio
async def test_a_missing_signature_is_an_error() -> None:
    async with server(page(5, 50)) as (client, _), server(page(1, 8)) as (worker, _):
        with pytest.raises(PaymentError, match="for 5 and the worker for 2"):
            await wait_signed(network(client, worker), SignedTotals(0, 0, 0, 0), 5, 0.2)


@pytest.mark.anyio
async def test_pages_without_payments() -> None:
    async with server({"proxies": [{}]}) as (client, _):
        with pytest.raises(RemoteProtocolError, match="lacks"):
            await signed_totals(network(client, client))


@pytest.mark.anyio
async def test_chunked_answers() -> None:
    raw = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n3;x=y\r\n,2]\r\n0\r\n\r\n"
    )
    async with server(raw) as (url, _):
        assert await get_json(url, 1.0) == [1, 2]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0\r\n\r\n",
        b"HTTP/1.1 abc x\r\n\r\n",
        b"HTTP/1.1 2000 x\r\n\r\n",
        b"HTTP/1.1 200 x\r\n\r\nno json",
        b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_answers_that_are_not_http(raw: bytes) -> None:
    async with server(raw) as (url, _):
        with pytest.raises(RemoteProtocolError):
            await get_json(url, 1.0)


@pytest.mark.anyio
async def test_status() -> None:
    async with server(b"HTTP/1.1 503 x\r\n\r\n") as (url, _):
        assert await get_status(f"{url}/ready?a=b", 1.0) == 503
        with pytest.raises(UnavailableError, match="503"):
            await get_json(url, 1.0)
    assert await get_status(url, 1.0) is None
    with pytest.raises(UnavailableError, match=r"does not answer: Connection refused$"):
        await call("GET", url, 1.0)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "url", ["nope/v1", "http://", "http://[/v1", "http://host:port", "https://host/v1", ""]
)
async def test_a_url_of_another_form(url: str) -> None:
    with pytest.raises(UnavailableError, match="is not of the form http://HOST:PORT"):
        await call("GET", url, 1.0)
