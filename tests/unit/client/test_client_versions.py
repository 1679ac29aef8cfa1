"""Which proxy gets a request that official workers do not take, and what is refused unsent."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from msgspec import structs

from cocoon.chain.net_address import Endpoint, RegisteredProxy
from cocoon.client import Client, ClientRequest, ClientSettings
from cocoon.errors import BadRequestError, PriceError, UnsupportedError
from cocoon.net.dialing import SocksDial
from cocoon.net.link import Link
from cocoon.testing.network import someone, test_root
from cocoon.testing.scripted_proxy import ScriptedClientProxy
from cocoon.tl import types as t
from cocoon.wire import features
from cocoon.wire.events import AnswerFailed, AnswerStarted, FinalInfo, RunQuery
from cocoon.wire.negotiation import VersionRange

pytestmark = pytest.mark.anyio

ROOT = test_root(
    proxies=tuple(RegisteredProxy(n, Endpoint("p", n), Endpoint("p", n)) for n in (1, 2))
)
PLAIN = ClientRequest("m", "/v1/chat/completions", b"{}", max_tokens=10, timeout=5.0)
TOOLS = structs.replace(PLAIN, requires=(features.CHAT, features.TOOLS))
EMBEDDINGS = structs.replace(
    PLAIN, path="/v1/embeddings", requires=(features.EMBEDDINGS,), max_tokens=0
)
HEAD = t.HttpResponse("HTTP/1.1", 200, "OK", (), b"body").to_bytes()


class Proxy(ScriptedClientProxy):
    """Answers, or refuses with a code and a text."""

    def __init__(self, number: int, version: int) -> None:
        super().__init__(ROOT, owner=someone(number), versions=VersionRange(0, version))
        self.refusal: tuple[int, str] | None = None
        self.on_run = self.run

    def run(self, query: RunQuery) -> None:
        if self.refusal is None:
            self.started(AnswerStarted(query.request_id, HEAD, FinalInfo()))
        else:
            self.failed(AnswerFailed(query.request_id, *self.refusal, FinalInfo()))


@asynccontextmanager
async def network(*versions: int) -> AsyncIterator[tuple[Client, list[Proxy]]]:
    proxies = [Proxy(number + 2, version) for number, version in enumerate(versions)]

    async def dial(host: str, port: int, factory: Callable[[], Link]) -> Link:
        return await proxies[port - 1].dial(host, port, factory)

    settings = ClientSettings(
        wallet=someone(1),
        root=replace(ROOT, proxies=ROOT.proxies[: len(versions)]),
        dial=SocksDial(),
        proxy_connections=len(versions),
    )
    client = Client(settings, dial=dial)
    await client.start()
    try:
        await client.wait_ready(5, len(versions))
        yield client, proxies
    finally:
        await client.close()


async def ask(client: Client, request: ClientRequest) -> bytes:
    async with await client.run(request) as response:
        return await response.read()


@pytest.mark.parametrize("request_", [TOOLS, EMBEDDINGS], ids=["tools", "embeddings"])
async def test_a_proxy_that_hears_what_is_required_comes_first(request_: ClientRequest) -> None:
    async with network(2, 3) as (client, proxies):
        for _ in range(3):
            assert await ask(client, request_) == b"body"
        assert [len(proxy.queries) for proxy in proxies] == [0, 3]


@pytest.mark.parametrize("version", [1, 2])
async def test_official_proxies_get_what_is_not_certain_to_fail(version: int) -> None:
    """Workers behind them may be ours; official ones refuse without a charge."""
    async with network(version) as (client, _):
        assert await ask(client, PLAIN) == b"body"
        assert await ask(client, TOOLS) == b"body"


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("path", [*features.ENDPOINTS, "/somewhere"])
async def test_other_endpoints_are_refused_unsent(version: int, path: str) -> None:
    async with network(version) as (client, (proxy,)):
        request = structs.replace(EMBEDDINGS, path=path)
        if path.endswith("/completions"):
            assert await ask(client, request) == b"body"
            return
        with pytest.raises(UnsupportedError, match="official") as refused:
            await ask(client, request)
        assert "version 3" in refused.value.fix
        assert ("/somewhere" in str(refused.value)) is False
        assert proxy.queries == []


@pytest.mark.parametrize(
    ("version", "code", "hinted"), [(1, 621, True), (2, 621, True), (2, 602, True), (3, 701, False)]
)
async def test_a_refusal_by_an_official_worker_says_so(
    version: int, code: int, hinted: bool
) -> None:
    async with network(version) as (client, (proxy,)):
        proxy.refusal = code, "unknown option 'tools' in request"
        with pytest.raises(BadRequestError, match="'tools'") as refused:
            await ask(client, TOOLS)
        assert ("official workers" in refused.value.fix) is hinted
        assert len(proxy.queries) == 1


@pytest.mark.parametrize(("code", "error"), [(704, UnsupportedError), (705, PriceError)])
async def test_workers_of_another_proxy_are_tried(code: int, error: type[Exception]) -> None:
    async with network(3, 3) as (client, proxies):
        proxies[0].refusal = code, "none here"
        for _ in range(2):
            assert await ask(client, TOOLS) == b"body"
        proxies[1].refusal = code, "none here"
        with pytest.raises(error):
            await ask(client, TOOLS)
