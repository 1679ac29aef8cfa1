"""An official worker (a stand-in, see official/README.md) at our proxy, behind its router."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from conformance_net import (
    FULL_MODEL,
    JSON_ANSWER,
    MODEL,
    PROXY_OWNER,
    SEED,
    SSE_EVENTS,
    SSE_LAST,
    WALLET,
    WORKER_OWNER,
    Net,
    ask,
    json_engine,
    official_root,
    open_net,
    our_root,
    sse_engine,
    until,
)
from official import chain
from official.link import QueryFailedError
from official.tl import Obj, http_request, tokens
from official.worker import EngineAnswer, OfficialWorker
from pytoniq_core import Cell

from cocoon.client import Client
from cocoon.errors import RequestError, UnavailableError
from cocoon.proxy.proxy import Proxy

pytestmark = pytest.mark.anyio

PROTOS = pytest.mark.parametrize(
    "protos", [None, (1, 1), (1, 2)], ids=["proto0", "proto1", "proto2"]
)


async def our_network(net: Net, **changes: Any) -> tuple[Proxy, OfficialWorker, Client]:
    proxy = await net.our_proxy()
    worker = await net.official_worker(proxy.worker_port, **changes)
    client = await net.our_client(proxy.worker_port, proxy.client_port, dial=net.dial())
    return proxy, worker, client


async def body_of(client: Client, **changes: Any) -> bytes:
    async with await client.run(ask(**changes)) as response:
        return await response.read()


@PROTOS
async def test_json_answer_and_payout(tmp_path: Path, protos: tuple[int, int] | None) -> None:
    async with open_net(tmp_path) as net:
        proxy, worker, client = await our_network(net, protos=protos, coefficient=2000)
        assert worker.proto == (0 if protos is None else protos[1])
        async with await client.run(ask(debug=True)) as response:
            body = await response.read()
        assert json.loads(body) == json.loads(JSON_ANSWER)
        summary = response.summary
        assert summary is not None
        assert (summary.prompt, summary.completion, summary.total) == (14, 6, 20)
        assert summary.worker is not None
        assert "fake" in summary.worker.evidence

        (query,) = worker.queries
        assert query.name == ("proxy.runQuery" if protos is None else "proxy.runQueryEx")
        assert query["coefficient"] == 2000
        assert query["timeout"] == pytest.approx(10 * 0.95 * 0.95, abs=2)
        if protos is not None:
            assert query["debug"] is True
        await proxy.flush()
        await until(lambda: len(worker.payments) == 1)
        payment = worker.payments[0]
        assert payment["request_id"] == query["request_id"]
        assert payment["request_tokens"] == 20
        assert chain.account(payment["client_owner"]) == WALLET
        # Verified from scratch: the contract's address and the signature.
        signer, root = chain.Signer(SEED), official_root()
        contract = root.worker(
            WORKER_OWNER, root.proxy(PROXY_OWNER, signer.public_key), signer.public_key
        )
        boc = payment["signed_payment"]["data"]
        assert Cell.one_from_boc(boc).to_boc() == boc  # no index, no checksum
        assert chain.verify_payment(boc, chain.WORKER_PAYOUT, contract, signer.public_key) == 20
        await worker.update_payments()
        assert worker.known == {"chain": 20, "db": 20, "max": 20}
        assert worker.left == ""


async def test_stream_held_until_the_end(tmp_path: Path) -> None:
    """The official worker sends server-sent events as one last part and reports 0 tokens."""
    async with open_net(tmp_path) as net:
        proxy, worker, client = await our_network(net, engine=sse_engine)
        async with await client.run(ask(stream=True)) as response:
            text = await response.read()
        assert text == b"".join(SSE_EVENTS) + SSE_LAST
        assert response.summary is not None
        assert response.summary.total == 0
        await proxy.flush()
        await worker.update_payments()
        assert worker.known["max"] == 0
        assert worker.left == ""
        assert await body_of(client, stream=True) == text


async def test_json_lines_stream(tmp_path: Path) -> None:
    """Bare JSON lines, as from the official benchmark server, do stream."""

    def engine(_: Obj) -> EngineAnswer:
        usage = {"usage": {"prompt_tokens": 7, "completion_tokens": 3}}
        lines = [b'{"n":1} ', b'{"n":2}', json.dumps(usage).encode()]
        return EngineAnswer(headers=[("content-type", "application/json")], body=lines)

    async with open_net(tmp_path) as net:
        _, worker, client = await our_network(net, engine=engine)
        async with await client.run(ask(stream=True)) as response:
            pieces = [piece async for piece in response]
        assert b"".join(pieces).startswith(b'{"n":1}\n{"n":2}\n')
        assert response.summary is not None
        assert response.summary.total == 10
        assert worker.link is not None
        assert [obj.name for obj in worker.link.sent][-3:] == ["proxy.queryAnswerPartEx"] * 3


async def test_header_quirks(tmp_path: Path) -> None:
    """Official workers forward a wrong Content-Length beside chunked, and Connection: Close."""

    def engine(_: Obj) -> EngineAnswer:
        headers = [("Content-Length", "3"), ("Connection", "Close"), ("X-Engine", "e")]
        return EngineAnswer(headers=headers, body=[JSON_ANSWER])

    async with open_net(tmp_path) as net:
        _, _, client = await our_network(net, engine=engine)
        async with await client.run(ask()) as response:
            assert json.loads(await response.read()) == json.loads(JSON_ANSWER)
        names = [name.lower() for name, _ in response.headers]
        assert "x-engine" in names
        assert not {"content-length", "connection", "transfer-encoding"} & set(names)


async def test_refused_tcp_is_an_empty_502(tmp_path: Path) -> None:
    """A model server that is down becomes a successful query with HTTP 502 and no body."""
    async with open_net(tmp_path) as net:
        _, _, client = await our_network(
            net, engine=lambda _: EngineAnswer(502, "Bad Gateway", headers=[])
        )
        async with await client.run(ask()) as response:
            assert response.status == 502
            assert await response.read() == b""
        assert response.summary is not None
        assert response.summary.total == 0


@PROTOS
async def test_worker_errors(tmp_path: Path, protos: tuple[int, int] | None) -> None:
    async with open_net(tmp_path) as net:
        proxy, worker, client = await our_network(
            net, protos=protos, engine=lambda _: (621, "unknown option 'x' in request")
        )
        with pytest.raises(RequestError, match="unknown option"):
            await body_of(client)
        worker.engine = lambda _: (652, "worker: timeout")
        with pytest.raises(RequestError, match="timeout"):
            await body_of(client)
        await proxy.flush()
        (account,) = await client.payment_status()
        assert account.max == 0
        worker.engine = json_engine
        assert json.loads(await body_of(client)) == json.loads(JSON_ANSWER)


async def test_more_than_reserved_is_capped(tmp_path: Path) -> None:
    """The official proxy charges whatever a worker says; ours at most what was reserved."""
    async with open_net(tmp_path) as net:
        proxy, worker, client = await our_network(net)
        worker.report = lambda used: tokens(10**9, 0, 5)
        async with await client.run(ask(max_coefficient=1000)) as response:
            await response.read()
        query = worker.queries[0]["query"]
        reserved = 100 + len(query)
        assert response.summary is not None
        assert response.summary.total == reserved
        await proxy.flush()
        await worker.update_payments()
        assert worker.known == {"chain": reserved, "db": reserved, "max": reserved}
        assert worker.left == ""
        (account,) = await client.payment_status()
        assert (account.max, account.unexplained) == (reserved, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        Obj("tokensUsed", prompt=1, cached=0, completion=1, reasoning=0, total=3),
        Obj("tokensUsed", prompt=-1, cached=0, completion=1, reasoning=0, total=0),
    ],
    ids=["sum", "negative"],
)
async def test_impossible_usage_ends_the_connection(tmp_path: Path, wrong: Obj) -> None:
    async with open_net(tmp_path) as net:
        _, worker, client = await our_network(net)
        worker.report = lambda used: wrong
        with pytest.raises(UnavailableError):
            await body_of(client)
        assert worker.link is not None
        await asyncio.wait_for(worker.link.closed.wait(), 10)


async def test_several_requests_at_once(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy, worker, client = await our_network(net)
        bodies = await asyncio.gather(*(body_of(client) for _ in range(20)))
        assert all(json.loads(body) == json.loads(JSON_ANSWER) for body in bodies)
        await proxy.flush()
        await until(lambda: worker.known["max"] == 200)
        # One payment may stand for several requests; what counts is cumulative.
        assert worker.known == {"chain": 200, "db": 200, "max": 200}
        assert worker.left == ""


async def test_remembered_after_reconnect(tmp_path: Path) -> None:
    """A worker that stayed up compares; one that restarted knows nothing and is told."""
    async with open_net(tmp_path) as net:
        proxy, worker, client = await our_network(net)
        await body_of(client)
        await proxy.flush()
        await worker.update_payments()
        known = dict(worker.known)
        await worker.close()
        again = OfficialWorker(worker.root, WORKER_OWNER, model=FULL_MODEL, engine=json_engine)
        again.known = known
        router = await net.socks()
        await again.dial(router.port, proxy.worker_port)
        assert again.known == known == {"chain": 10, "db": 10, "max": 10}
        await again.close()
        fresh = await net.official_worker(proxy.worker_port, router=router.port)
        assert fresh.known == known


def _as_a_crash_leaves_it(folder: Path) -> Path:
    """A copy of the proxy's files while it runs."""
    crashed = folder / "crashed"
    crashed.mkdir()
    for path in folder.glob("proxy.sqlite*"):
        (crashed / path.name).write_bytes(path.read_bytes())
    return crashed


async def test_after_a_crash_of_our_proxy(tmp_path: Path) -> None:
    """What was signed to an official worker is on disk before it is sent: no rollback to detect."""
    async with open_net(tmp_path) as net:
        proxy, worker, client = await our_network(net)
        for _ in range(3):
            await body_of(client)
            await proxy.flush()
            await worker.update_payments()
        assert worker.known == {"chain": 30, "db": 30, "max": 30}
        url = f"sqlite:///{_as_a_crash_leaves_it(tmp_path)}/proxy.sqlite"
        again = await net.our_proxy(database_url=url)
        successor = OfficialWorker(worker.root, WORKER_OWNER, model=FULL_MODEL, engine=json_engine)
        successor.known = dict(worker.known)
        router = await net.socks()
        await successor.dial(router.port, again.worker_port)
        assert successor.known == {"chain": 30, "db": 30, "max": 30}
        await successor.close()
        official = await net.official_client(again.client_port)
        assert official.known == {"chain": 30, "db": 30, "max": 30}


async def test_inflated_max_uses_the_extended_compare(tmp_path: Path) -> None:
    """After it the official proxy is stuck; ours goes on (§4.1 step 5)."""
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        router = await net.socks()
        worker = OfficialWorker(official_root(), WORKER_OWNER, model=FULL_MODEL, engine=json_engine)
        worker.known["max"] = 5
        await worker.dial(router.port, proxy.worker_port)
        assert worker.link is not None
        assert any(o.name == "worker.extendedCompareBalanceWithProxy" for o in worker.link.sent)
        client = await net.our_client(proxy.worker_port, proxy.client_port, dial=net.dial())
        assert json.loads(await body_of(client)) == json.loads(JSON_ANSWER)
        await worker.close()


async def test_claimed_committed_tokens_refuse_one_worker_only(tmp_path: Path) -> None:
    """The official proxy aborts on this claim."""
    async with open_net(tmp_path) as net:
        proxy, _, client = await our_network(net)
        liar = OfficialWorker(official_root(), bytes([9]) * 32, model=MODEL, engine=json_engine)
        liar.known["chain"] = 1
        router = await net.socks()
        with pytest.raises(QueryFailedError) as caught:
            await liar.dial(router.port, proxy.worker_port)
        assert caught.value.code == 621
        await liar.close()
        assert await body_of(client)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"model": ""}, 602),
        ({"coefficient": 10**9}, 602),
        ({"coefficient": -1}, 602),
        ({"max_active": 0}, 602),
        ({"proxy_cnt": 0}, 602),
        ({"protos": (4, 5)}, 621),
    ],
    ids=str,
)
async def test_refusals(tmp_path: Path, changes: dict[str, Any], code: int) -> None:
    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        with pytest.raises(QueryFailedError) as caught:
            await net.official_worker(proxy.worker_port, **changes)
        assert caught.value.code == code


async def test_switches_and_limits(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        proxy, worker, client = await our_network(net, max_active=5, proxy_cnt=2)
        (model,) = await client.models()
        assert model.workers[0].max_running_requests == 3
        assert worker.link is not None
        worker.link.message(Obj("worker.enabledDisabled", disabled=1))
        await until(lambda: not proxy.ready)
        with pytest.raises(UnavailableError):
            await body_of(client)
        worker.link.message(Obj("worker.enabledDisabled", disabled=0))
        worker.link.message(Obj("worker.newCoefficient", coefficient=3000))
        await until(lambda: proxy.ready)
        async with await client.run(ask()) as response:
            await response.read()
        assert response.summary is not None
        assert response.summary.total == 30
        assert worker.queries[-1]["coefficient"] == 3000


async def test_lost_worker_fails_requests_at_once(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        _, worker, client = await our_network(net)
        assert worker.link is not None
        worker.link.on_message = lambda obj: worker.link.close()  # type: ignore[union-attr]
        with pytest.raises(UnavailableError):
            await asyncio.wait_for(body_of(client), 5)


async def test_hash_checks_on_both_sides(tmp_path: Path) -> None:
    async with open_net(tmp_path) as net:
        listed = {"model_types": [MODEL], "model_hashes": []}
        proxy = await net.our_proxy(check_worker_hashes=True, root=our_root(**listed))
        # model_types are hashed up to the @, so only the base name is listed.
        await net.official_worker(proxy.worker_port, model=MODEL, check_hashes=True)
        with pytest.raises(QueryFailedError) as caught:
            await net.official_worker(proxy.worker_port, model="unlisted")
        assert caught.value.code == 621
        with pytest.raises(QueryFailedError):
            await net.official_worker(proxy.worker_port, model=FULL_MODEL)


async def test_request_reaches_the_engine_as_the_client_wrote_it(tmp_path: Path) -> None:
    seen: list[Obj] = []

    def engine(request: Obj) -> EngineAnswer:
        seen.append(request)
        return EngineAnswer(body=[JSON_ANSWER])

    async with open_net(tmp_path) as net:
        proxy = await net.our_proxy()
        worker = await net.official_worker(proxy.worker_port, engine=engine)
        worker.validates = False
        client = await net.official_client(proxy.client_port)
        query = http_request(b'{"a":1}', X_Kept="yes")
        answer = client.send(query, model=MODEL)
        await asyncio.wait_for(answer.ended.wait(), 10)
        assert worker.queries[0]["query"] == query  # byte for byte
        assert seen[0]["payload"] == b'{"a":1}'
