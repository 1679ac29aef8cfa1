"""Our client and an official proxy (a stand-in, see official/README.md), behind its router."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from conformance_net import (
    FULL_MODEL,
    HOST,
    JSON_ANSWER,
    MODEL,
    SSE_EVENTS,
    SSE_LAST,
    WALLET,
    Net,
    ask,
    json_engine,
    open_net,
    our_root,
    sse_engine,
    until,
)
from official.proxy import OfficialProxy, Peer
from official.tl import Obj, tokens

from cocoon.client import Client, InferenceResponse
from cocoon.errors import (
    BadRequestError,
    CocoonError,
    DeadlineError,
    RequestError,
    UnavailableError,
    UnknownModelError,
)

pytestmark = pytest.mark.anyio

HEAD = Obj(
    "http.response",
    version="HTTP/1.1",
    status=200,
    reason="OK",
    headers=[Obj("http.header", name="Content-Type", value="application/json")],
    payload=b"",
)


@asynccontextmanager
async def at_official_proxy(
    folder: Path, *, client: dict[str, Any] | None = None, **changes: Any
) -> AsyncIterator[tuple[Net, OfficialProxy, Client]]:
    """Our client, over RA-TLS, and the proxy behind the reverse port of an official router."""
    async with open_net(folder) as net:
        proxy = await net.official_proxy(**changes)
        front = await net.reverse(proxy.client_port, "any")
        ours = await net.our_client(9, front.port, dial=net.dial(), **(client or {}))
        yield net, proxy, ours


async def body_of(client: Client, **changes: Any) -> bytes:
    async with await client.run(ask(**changes)) as response:
        return await response.read()


@pytest.mark.parametrize("protos", [(0, 1), (0, 2), (1, 2)], ids=str)
async def test_forwarded_to_official_worker(tmp_path: Path, protos: tuple[int, int]) -> None:
    """Official proxy and worker; only the client is ours."""
    async with at_official_proxy(tmp_path, protos=protos) as (net, proxy, client):
        back = await net.reverse(proxy.worker_port)
        worker = await net.official_worker(back.port)
        async with await client.run(ask(debug=True)) as response:
            body = await response.read()
        # The official worker re-serializes each JSON value.
        assert b'"content":"hi"' in body
        summary = response.summary
        assert summary is not None
        assert (summary.prompt, summary.completion, summary.total) == (7, 3, 10)
        assert summary.worker_debug == '{"stand-in":true}'
        headers = {name.lower() for name, _ in response.headers}
        assert ("x-cocoon-proxy-start" in headers) == (protos[1] == 2)
        assert worker.queries[0]["timeout"] == pytest.approx(10 * 0.95 * 0.95, abs=2)
        await until(lambda: len(worker.payments) == 1)
        assert proxy.aborted == ""

        worker.engine = sse_engine
        text = await body_of(client, stream=True)
        assert text == b"".join(SSE_EVENTS) + SSE_LAST  # all of it in the last part
        assert [model.name for model in await client.models()] == [MODEL]


async def test_payments_lag_behind(tmp_path: Path) -> None:
    """After each request the proxy signs the old amount; the next commit catches up."""
    async with at_official_proxy(tmp_path) as (net, proxy, client):
        back = await net.reverse(proxy.worker_port)
        await net.official_worker(back.port)
        for count in (1, 2, 3):
            await body_of(client)
            await until(lambda count=count: proxy.workers != {} and _used(proxy) == 10 * count)
        (account,) = await client.payment_status()
        assert (account.signed, account.db, account.max) == (0, 0, 30)
        proxy.commit()
        (account,) = await client.payment_status()
        assert (account.signed, account.db, account.max) == (30, 30, 30)
        assert account.signed_cost == 60
        assert account.unexplained == 0
        assert account.ready


def _used(proxy: OfficialProxy) -> int:
    return sum(account.max for account in proxy.clients.values())


async def test_long_authorization_and_empty_payment(tmp_path: Path) -> None:
    """A proxy that does not know us yet: no signed payment at all."""

    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy(bounceable_owner=True)
        proxy.unknown_is_empty = True
        front = await net.reverse(proxy.client_port, "any")
        client = await net.our_client(9, front.port, dial=net.dial())
        link = proxy.peers[0].link
        assert [obj.name for obj in link.received][:2] == [
            "client.connectToProxy",
            "client.authorizeWithProxyLong",
        ]
        params = link.received[0]["params"]
        assert (params["flags"], params["min_proto"], params["max_proto"]) == (3, 1, 3)
        assert len(params["owner"]) == 48
        (account,) = await client.payment_status()
        assert account.signed == 0


async def test_another_secret_uses_the_long_form(tmp_path: Path) -> None:
    """The secret never goes to a proxy that does not know its hash (§3.1)."""
    async with at_official_proxy(tmp_path, client={"secret": b"mine"}) as (_, proxy, client):
        queries = [obj.name for obj in proxy.peers[0].link.received]
        assert "client.authorizeWithProxyLong" in queries
        assert "client.authorizeWithProxyShort" not in queries
        assert client.ready


# --- what the official proxy sends in the old form, whatever the version ---


Script = Callable[[OfficialProxy, Peer, Obj], None]


def _reject(code: int, text: str) -> Script:
    return lambda proxy, peer, query: proxy.reject(peer, query, code, text)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (_reject(602, "client balance is too low"), CocoonError),
        (_reject(651, "balance is too low"), UnavailableError),
        (_reject(652, "timeout in proxy"), DeadlineError),
        (_reject(601, "whatever"), RequestError),
    ],
    ids=["602", "651", "652", "601"],
)
async def test_old_form_errors(tmp_path: Path, script: Script, error: type[CocoonError]) -> None:
    async with at_official_proxy(tmp_path) as (_, proxy, client):
        proxy.script = lambda peer, query: script(proxy, peer, query)
        began = time.monotonic()
        with pytest.raises(error):
            await body_of(client)
        assert time.monotonic() - began < 5
        assert client.ready


async def test_unknown_model(tmp_path: Path) -> None:
    async with at_official_proxy(tmp_path) as (_, proxy, client):
        with pytest.raises((UnknownModelError, BadRequestError)):
            await body_of(client, model="nobody has this")
        assert proxy.peers[0].link.sent[-1].name == "client.queryAnswerError"


async def test_old_form_error_in_mid_answer(tmp_path: Path) -> None:
    def script(proxy: OfficialProxy, peer: Peer, query: Obj) -> None:
        proxy.answer(peer, query, "", final=None, answer=HEAD.boxed())
        proxy.answer(peer, query, "Part", final=None, answer=b"half")
        proxy.reject(peer, query, 652, "timeout in proxy", part=True)

    async with at_official_proxy(tmp_path) as (_, proxy, client):
        proxy.script = lambda peer, query: script(proxy, peer, query)
        async with await client.run(ask()) as response:
            pieces: list[bytes] = []
            with pytest.raises(DeadlineError):
                await _collect(response, pieces)
        assert b"".join(pieces) == b"half"
        assert client.ready


async def _collect(response: InferenceResponse, pieces: list[bytes]) -> None:
    async for piece in response:
        pieces.append(piece)


async def test_worker_error_in_new_form(tmp_path: Path) -> None:
    async with at_official_proxy(tmp_path) as (net, proxy, client):
        back = await net.reverse(proxy.worker_port)
        await net.official_worker(back.port, engine=lambda _: (621, "unknown option 'x'"))
        with pytest.raises(BadRequestError, match="unknown option"):
            await body_of(client)
        assert proxy.aborted == ""


# --- answers of unusual shape ---


async def test_answer_in_one_piece(tmp_path: Path) -> None:
    def script(proxy: OfficialProxy, peer: Peer, query: Obj) -> None:
        head = Obj(HEAD.name, **{**HEAD, "payload": JSON_ANSWER})
        proxy.answer(peer, query, "", final=(tokens(1, 2, 3, 4), None), answer=head.boxed())
        proxy.charge(peer, query, 10)

    async with at_official_proxy(tmp_path) as (_, proxy, client):
        proxy.script = lambda peer, query: script(proxy, peer, query)
        async with await client.run(ask()) as response:
            assert await response.read() == JSON_ANSWER
        summary = response.summary
        assert summary is not None
        assert (summary.prompt, summary.cached, summary.completion, summary.reasoning) == (
            1,
            2,
            3,
            4,
        )
        assert summary.cost == 20


async def test_payment_may_come_before_the_answer(tmp_path: Path) -> None:
    def script(proxy: OfficialProxy, peer: Peer, query: Obj) -> None:
        proxy.charge(peer, query, 10)
        proxy.answer(peer, query, "", final=None, answer=HEAD.boxed())
        proxy.answer(peer, query, "Part", final=(tokens(10), None), answer=b"")

    async with at_official_proxy(tmp_path) as (_, proxy, client):
        proxy.script = lambda peer, query: script(proxy, peer, query)
        assert await body_of(client) == b""
        (account,) = await client.payment_status()
        assert (account.max, account.unexplained) == (10, 0)


async def test_error_without_final_info(tmp_path: Path) -> None:
    """Missing final info must be tolerated (checklist 5)."""

    def script(proxy: OfficialProxy, peer: Peer, query: Obj) -> None:
        peer.link.message(
            Obj(
                "client.queryAnswerErrorEx",
                request_id=query["request_id"],
                error_code=653,
                error="no final info",
                flags=0,
            )
        )

    async with at_official_proxy(tmp_path) as (_, proxy, client):
        proxy.script = lambda peer, query: script(proxy, peer, query)
        with pytest.raises(RequestError):
            await body_of(client)
        assert client.ready


async def test_signed_payment_as_message_and_unknown_constructors(tmp_path: Path) -> None:
    """``proxy.signedPayment`` is accepted as a message (§1.3); unknown magics are ignored."""
    async with at_official_proxy(tmp_path) as (_, proxy, client):
        link = proxy.peers[0].link
        link.message(Obj("proxy.signedPayment", data=b"whatever"))
        link.packet(Obj("tcp.packet", data=bytes.fromhex("0badcafe") + bytes(8)))
        link.packet(Obj("tcp.packet", data=Obj("client.getWorkerTypes").boxed()))
        await client.payment_status()
        assert client.ready


async def test_silent_proxy_meets_our_own_timer(tmp_path: Path) -> None:
    async with at_official_proxy(tmp_path) as (_, proxy, client):
        proxy.script = lambda peer, query: None
        began = time.monotonic()
        with pytest.raises(DeadlineError):
            await body_of(client, timeout=0.3)
        assert time.monotonic() - began < 3


async def test_disabled_proxy_closes_after_opening(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy()
        proxy.disabled = True
        front = await net.reverse(proxy.client_port, "any")
        client = await net.our_client(9, front.port, dial=net.dial(), wait=False)
        await until(lambda: len(proxy.peers) >= 1)
        await asyncio.sleep(0.05)
        assert not client.ready
        proxy.disabled = False
        await client.wait_ready(10)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"protos": (0, 0)}, "no version in common"),
        ({"testnet": False}, "flags of the addresses"),
    ],
    ids=["proto 0 only", "main-net addresses"],
)
async def test_refused_greetings(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.official_proxy(**changes)
        front = await net.reverse(proxy.client_port, "any")
        client = await net.our_client(9, front.port, dial=net.dial(), wait=False)
        await until(lambda: len(proxy.peers) >= 1 and proxy.peers[0].link.closed.is_set())
        assert not client.ready, why


async def test_forged_payments_end_the_connection(tmp_path: Path) -> None:
    async with at_official_proxy(tmp_path) as (_, proxy, client):

        def script(peer: Peer, query: Obj) -> None:
            assert peer.account is not None
            peer.account.contract = bytes(32)  # signs for another contract from now on
            proxy.charge(peer, query, 5)

        proxy.script = script
        with pytest.raises(UnavailableError):
            await body_of(client)


async def test_our_wallet_is_the_owner_on_the_wire(tmp_path: Path) -> None:
    async with at_official_proxy(tmp_path) as (net, proxy, _):
        assert list(proxy.clients) == [WALLET]
        back = await net.reverse(proxy.worker_port)
        worker = await net.official_worker(back.port, engine=json_engine)
        assert worker.model == FULL_MODEL


# --- a proxy that restarts ---


async def _reconnected(proxy: OfficialProxy) -> Peer:
    """Close the newest connection and wait for the next one."""
    before = len(proxy.peers)
    proxy.peers[-1].link.close()
    await until(lambda: len(proxy.peers) > before)
    return proxy.peers[before]


async def test_counts_that_were_not_stored_may_be_lost(tmp_path: Path) -> None:
    """An official proxy forgets in a crash what it had not written yet."""
    async with at_official_proxy(tmp_path) as (_, proxy, client):
        (account,) = proxy.clients.values()
        account.use(10)
        proxy.commit()
        account.use(5)
        (report,) = await client.payment_status()
        assert (report.signed, report.max) == (10, 15)
        account.max = account.db
        await _reconnected(proxy)
        await client.wait_ready(10)
        assert proxy.peers[-1].state == "Ok"


async def test_signed_counts_may_not_go_back(tmp_path: Path) -> None:
    async with at_official_proxy(tmp_path) as (_, proxy, client):
        (account,) = proxy.clients.values()
        account.use(10)
        proxy.commit()
        await client.payment_status()
        account.max = account.db = account.chain = 3
        peer = await _reconnected(proxy)
        await asyncio.wait_for(peer.link.closed.wait(), 10)
        assert not client.ready


async def test_running_requests_fail_at_once_when_the_proxy_goes(tmp_path: Path) -> None:
    async with at_official_proxy(tmp_path) as (_, proxy, client):
        proxy.script = lambda peer, query: peer.link.close()
        with pytest.raises(UnavailableError):
            await asyncio.wait_for(body_of(client), 5)


async def test_main_net_addresses(tmp_path: Path) -> None:
    """Contract addresses are compared as text: ``UQ…`` on main net, on both sides."""
    settings = {"client": {"is_testnet": False}, "testnet": False}
    async with at_official_proxy(tmp_path, **settings) as (_, proxy, client):
        assert proxy.peers[0].link.sent[0]["sc_address"].startswith("UQ")
        await client.payment_status()
        assert client.ready


async def test_two_official_proxies(tmp_path: Path) -> None:
    """A request that the first refuses goes to the second; each keeps its own account."""
    async with open_net(tmp_path) as net:
        fronts = []
        proxies = []
        for number in (1, 2):
            proxy = await net.official_proxy(seed=bytes([number]) * 32)
            front = await net.reverse(proxy.client_port, "any")
            back = await net.reverse(proxy.worker_port)
            proxies.append(proxy)
            fronts.append((back.port, front.port))
        entries = [
            {"seqno": n, "address": f"{HOST}:{back} {HOST}:{front}"}
            for n, (back, front) in enumerate(fronts, 1)
        ]
        await net.official_worker(fronts[1][0])
        client = await net.our_client(
            9, 9, dial=net.dial(), root=our_root(registered_proxies=entries), proxy_connections=2
        )
        await client.wait_ready(10, 2)
        for _ in range(4):
            assert b'"hi"' in await body_of(client)
        accounts = await client.payment_status()
        assert sorted(account.max for account in accounts) == [0, 40]
        assert len({account.contract for account in accounts}) == 2
