"""Web pages cannot reach pages that need no password."""

from typing import Any

import pytest

from cocoon.net.page_guard import PageGuard

pytestmark = pytest.mark.anyio


async def status(headers: dict[str, str], host: str = "127.0.0.1") -> int:
    """The status that a call with these headers gets."""
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await PageGuard(app, host)({"type": "http", "headers": pairs}, receive, send)
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    "host", ["127.0.0.1:11000", "localhost:11000", "[::1]:11000", "proxy:11000", "", "10.0.0.7"]
)
async def test_programs_may_call(host: str) -> None:
    assert await status({"host": host}) == 200
    assert await status({}) == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:11000"])
async def test_pages_of_any_origin_may_not_call(origin: str) -> None:
    assert await status({"host": "127.0.0.1:11000", "origin": origin}) == 403
    assert await status({"host": "node.example", "origin": origin}, "0.0.0.0") == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:11000", "127.0.0.1.evil.example"])
async def test_a_foreign_name_of_this_machine_is_refused(host: str) -> None:
    for loopback in ("127.0.0.1", "::1", "localhost"):
        assert await status({"host": host}, loopback) == 403


async def test_an_interface_that_listens_for_others_may_have_any_name() -> None:
    assert await status({"host": "node.example:11000"}, "0.0.0.0") == 200
